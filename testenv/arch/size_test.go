package arch

import (
	"go/ast"
	"path/filepath"
	"testing"
)

const (
	maxFile = 500 // lines; generated files excepted
	maxFunc = 60  // lines
)

func TestSizes(t *testing.T) {
	for _, p := range load(t) {
		for name, f := range p.files {
			if ast.IsGenerated(f) {
				continue
			}
			if n := p.fset.Position(f.FileEnd).Line; n > maxFile {
				t.Errorf("%s/%s has %d lines: %d are the most", p.dir, filepath.Base(name), n, maxFile)
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if n := p.fset.Position(fn.End()).Line - p.fset.Position(fn.Pos()).Line + 1; n > maxFunc {
					t.Errorf("%s/%s: %s has %d lines: %d are the most", p.dir, filepath.Base(name), fn.Name.Name, n, maxFunc)
				}
			}
		}
	}
}
