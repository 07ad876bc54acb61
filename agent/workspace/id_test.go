package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckID(t *testing.T) {
	for _, id := range []string{"a", "LINGI1101", "a b", "a/b", "é", "a:b,c", "$common", "-", ".hidden", "a\nb", strings.Repeat("x", 255)} {
		if err := checkID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", "/", "/etc", "..", "a/../b", "a..b", "a/", "a//b", ".", "./a", "a/.", " a", "a ", "a\n", "\u00a0a",
		"a\x00b", strings.Repeat("x", 256)} {
		if err := checkID(id); !errors.Is(err, ErrID) {
			t.Errorf("%q: %v, want a refusal", id, err)
		}
	}
}

// tree makes files; a name that ends in '/' is a directory, a text "-> x" a link to x.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(strings.ReplaceAll(target, "DIR", dir), path)
		} else if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpenSource(t *testing.T) {
	dir := tree(t, map[string]string{
		"tasks/c/t/run":              "",
		"tasks/c/deep/er/t/run":      "",
		"tasks/c/$common/student/":   "",
		"tasks/c/alias":              "-> t",
		"tasks/c/out":                "-> ../../secret",
		"tasks/c/absolute":           "-> DIR/secret",
		"tasks/c/loop":               "-> loop",
		"tasks/c/file":               "",
		"tasks/plain/t/run":          "",
		"tasks/linked":               "-> DIR/elsewhere",
		"tasks/evil/$common":         "-> ../../secret",
		"tasks/evil/t/run":           "",
		"tasks/bad/$common/x":        "",
		"tasks/bad/$common/student":  "-> ../../../secret",
		"tasks/bad/t/run":            "",
		"tasks/half/$common/student": "a file",
		"tasks/half/t/run":           "",
		"elsewhere/t/run":            "",
		"elsewhere/out":              "-> ../secret",
		"elsewhere/$common/x":        "",
		"secret/run":                 "",
	})
	for _, c := range []struct {
		course, task    string
		err             error
		common, student bool
	}{
		{"c", "t", nil, true, true},
		{"c/deep", "er/t", nil, false, false},
		{"c", "alias", nil, true, true},
		{"c", "missing", ErrNoTask, false, false},
		{"missing", "t", ErrNoTask, false, false},
		{"c", "file", ErrNoTask, false, false},
		{"c", "out", ErrBadPath, false, false},
		{"c", "absolute", ErrBadPath, false, false},
		{"c", "loop", ErrBadPath, false, false},
		{"c", "out/run", ErrBadPath, false, false},
		{"c/out", "run", ErrBadPath, false, false},
		{"c", "", ErrID, false, false},
		{"", "t", ErrID, false, false},
		{"c", "../plain/t", ErrID, false, false},
		{"plain", "t", nil, false, false},
		{"linked", "t", nil, true, false}, // the operator's own link
		{"linked", "out", ErrBadPath, false, false},
		{"evil", "t", ErrBadPath, false, false},
		{"bad", "t", ErrBadPath, false, false},
		{"half", "t", nil, true, false},
		{"", "", nil, false, false},
	} {
		s, err := openSource(filepath.Join(dir, "tasks"), Job{Course: c.course, Task: c.task})
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s, %s: %v; want %v", c.course, c.task, err, c.err)
		}
		if err != nil {
			continue
		}
		if (s.common != nil) != c.common || (s.commonStudent != nil) != c.student || (s.task != nil) != (c.task != "") {
			t.Errorf("%s, %s: %+v", c.course, c.task, s)
		}
		s.close()
	}
	if _, err := openSource(filepath.Join(dir, "no tasks"), Job{Course: "c", Task: "t"}); err == nil {
		t.Error("a missing tasks directory is no error")
	}
}

// Whatever the id, a course is opened beneath the tasks directory or not at all.
func FuzzOpenSource(f *testing.F) {
	for _, id := range []string{"c", "c/d", "..", "/", "c/../..", ".", "c//d", " ", "out", "c/out/x"} {
		f.Add("c", id)
		f.Add(id, "d")
	}
	dir := f.TempDir()
	for _, path := range []string{"tasks/c/d/in", "tasks/in", "x", "secret"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	if err := os.Symlink("../../secret", filepath.Join(dir, "tasks/c/out")); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, course, task string) {
		s, err := openSource(filepath.Join(dir, "tasks"), Job{Course: course, Task: task})
		if err != nil || s.task == nil {
			return
		}
		defer s.close()
		path, err := os.Readlink(fdPath(s.task))
		if err != nil || !strings.HasPrefix(path, filepath.Join(dir, "tasks")+"/") {
			t.Errorf("%q, %q: %s, %v", course, task, path, err)
		}
	})
}
