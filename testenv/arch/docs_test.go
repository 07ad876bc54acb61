package arch

import (
	"go/ast"
	"path/filepath"
	"strings"
	"testing"
)

func TestPackageDocs(t *testing.T) {
	for _, p := range load(t) {
		var docs []string
		for name, f := range p.files {
			if f.Doc != nil && !ast.IsGenerated(f) {
				docs = append(docs, filepath.Base(name))
			}
		}
		switch {
		case len(docs) == 0:
			t.Errorf("%s: no package documentation", p.dir)
		case len(docs) > 1:
			t.Errorf("%s: package documented more than once: %v", p.dir, docs)
		case docs[0] != "doc.go" && docs[0] != "main.go":
			t.Errorf("%s: package documented in %s, not in doc.go", p.dir, docs[0])
		}
	}
}

func TestExportedDocs(t *testing.T) {
	for _, p := range load(t) {
		for _, f := range p.files {
			if ast.IsGenerated(f) || f.Name.Name == "main" {
				continue
			}
			for _, d := range f.Decls {
				for _, name := range undocumented(d) {
					t.Errorf("%s: exported %s has no documentation", p.dir, name)
				}
			}
		}
	}
}

// undocumented lists the exported names of a declaration that nothing explains.
func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && receiverExported(d) && !obvious(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, s := range d.Specs {
			names = append(names, bareSpec(d, s)...)
		}
		return names
	}
	return nil
}

// bareSpec lists the exported names of s, unless s or its group has a comment.
func bareSpec(d *ast.GenDecl, s ast.Spec) []string {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
			return []string{s.Name.Name}
		}
	case *ast.ValueSpec:
		if s.Doc != nil || s.Comment != nil || d.Doc != nil {
			return nil
		}
		var names []string
		for _, n := range s.Names {
			if n.IsExported() {
				names = append(names, n.Name)
			}
		}
		return names
	}
	return nil
}

// receiverExported reports whether d can be reached from outside: it is a
// function, or a method of an exported type.
func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

// obvious methods implement an interface whose contract is known to every reader.
func obvious(d *ast.FuncDecl) bool {
	return d.Recv != nil && strings.Contains(" Error String Unwrap Is As Len Less Swap Push Pop LogValue MarshalJSON UnmarshalJSON MarshalText UnmarshalText ", " "+d.Name.Name+" ")
}
