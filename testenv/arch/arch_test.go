package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ingot-grading/ingot"

// pkg is one package's code outside its tests.
type pkg struct {
	dir   string // relative to the module
	fset  *token.FileSet
	files map[string]*ast.File
}

// load parses every package of the module.
func load(t *testing.T) []*pkg {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	byDir := map[string]*pkg{}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != root && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		return add(byDir, filepath.ToSlash(rel), p)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(byDir) < 10 {
		t.Fatalf("found only %d packages below %s", len(byDir), root)
	}
	var all []*pkg
	for _, p := range byDir {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *pkg) int { return strings.Compare(a.dir, b.dir) })
	return all
}

func add(byDir map[string]*pkg, dir, file string) error {
	p := byDir[dir]
	if p == nil {
		p = &pkg{dir: dir, fset: token.NewFileSet(), files: map[string]*ast.File{}}
		byDir[dir] = p
	}
	f, err := parser.ParseFile(p.fset, file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p.files[file] = f
	return nil
}

// imports lists what the package imports, without duplicates.
func (p *pkg) imports() []string {
	var all []string
	for _, f := range p.files {
		for _, i := range f.Imports {
			all = append(all, strings.Trim(i.Path.Value, `"`))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// under reports whether dir is one of folders or below it.
func under(dir string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		f = strings.TrimSuffix(f, "/...")
		return dir == f || strings.HasPrefix(dir, f+"/")
	})
}

// matches reports whether dir is named by one of the patterns.
func matches(dir string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		below, tree := strings.CutSuffix(p, "/...")
		return dir == p || tree && strings.HasPrefix(dir, below+"/")
	})
}

// row finds the line of the table for dir: its own, or that of a tree above it.
func row(dir string) ([]string, bool) {
	if r, ok := allowed[dir]; ok {
		return r, true
	}
	for d := path.Dir(dir); d != "."; d = path.Dir(d) {
		if r, ok := allowed[d+"/..."]; ok {
			return r, true
		}
	}
	return nil, false
}

func TestImports(t *testing.T) {
	for _, p := range load(t) {
		mayAll := under(p.dir, "cmd", "testenv")
		list, listed := row(p.dir)
		if !listed && !mayAll {
			t.Errorf("%s: not in the table of packages: give it a line that says what it may import", p.dir)
			continue
		}
		for _, i := range p.imports() {
			ours, ok := strings.CutPrefix(i, module+"/")
			if !ok {
				continue
			}
			if !mayAll && !matches(ours, list) {
				t.Errorf("%s imports %s, which its line of the table does not allow", p.dir, ours)
			}
			if under(ours, "testenv") && !under(p.dir, "testenv") {
				t.Errorf("%s imports %s: nothing but tests may import testenv", p.dir, ours)
			}
		}
	}
}

// What ARCHITECTURE.md draws is so: every package of the table is on a level, and
// imports from lower ones only.
func TestLevels(t *testing.T) {
	page, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	level := map[string]int{}
	for _, line := range regexp.MustCompile(`(?m)^([1-9])  (.*)$`).FindAllStringSubmatch(string(page), -1) {
		for name := range strings.FieldsSeq(line[2]) {
			level[name] = int(line[1][0] - '0')
		}
	}
	for name, list := range allowed {
		if strings.HasSuffix(name, "test") || strings.HasSuffix(name, "/...") {
			continue // beside the levels: what tests stand on, and the inside of package guest
		}
		if level[name] == 0 {
			t.Errorf("%s is on no level", name)
		}
		for _, below := range list {
			if level[below] >= level[name] && !under(below, name) {
				t.Errorf("%s imports %s, which is not on a lower level", name, below)
			}
		}
	}
}

// The table is the tree as it is: what it allows is used, so that a reader can
// trust it and a new import is a decision.
func TestNothingIsAllowedInVain(t *testing.T) {
	all := load(t)
	for name, list := range allowed {
		var imports []string
		for _, p := range all {
			if matches(p.dir, []string{name}) {
				imports = append(imports, p.imports()...)
			}
		}
		if imports == nil {
			t.Errorf("%s is in the table, but there is no such package, or it imports nothing", name)
		}
		for _, a := range list {
			if !slices.ContainsFunc(imports, func(i string) bool { return matches(strings.TrimPrefix(i, module+"/"), []string{a}) }) {
				t.Errorf("%s may import %s, and never does", name, a)
			}
		}
	}
	for _, r := range reserved {
		for _, user := range r.users {
			if !slices.ContainsFunc(all, func(p *pkg) bool {
				return under(p.dir, user) && slices.ContainsFunc(p.imports(), func(i string) bool { return under(i, r.library) })
			}) {
				t.Errorf("%s may be used in %s, and never is", r.library, user)
			}
		}
	}
}

func TestReservedLibraries(t *testing.T) {
	for _, p := range load(t) {
		for _, i := range p.imports() {
			for _, r := range reserved {
				if under(i, r.library) && !under(p.dir, r.users...) {
					t.Errorf("%s imports %s: %s", p.dir, i, r.why)
				}
			}
			if slices.Contains(pure, p.dir) && slices.Contains(impure, i) {
				t.Errorf("%s imports %s, but is to be pure", p.dir, i)
			}
		}
	}
}

func TestTopLevel(t *testing.T) {
	want := []string{"agent", "backend", "oci", "cgroups", "wire", "cmd", "testenv"}
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "bin" && !slices.Contains(want, e.Name()) {
			t.Errorf("top-level folder %s: only %v are meant to be there", e.Name(), want)
		}
	}
}
