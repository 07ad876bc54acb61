package workspace

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestCopyTree(t *testing.T) {
	dir := tree(t, map[string]string{
		"from/run":        "#!/bin/sh",
		"from/student/x":  "hello",
		"from/empty/":     "",
		"from/link":       "-> ../secret",
		"from/dirlink":    "-> DIR/secretdir",
		"secret":          "secret",
		"secretdir/inner": "secret",
		"to/":             "",
	})
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, mode := range map[string]os.FileMode{"run": 0o751, "student": 0o555, "student/x": 0o400} {
		if err := os.Chmod(at("from/"+name), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(at("from/"+name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { // so that the test's directory can be removed without root
		os.Chmod(at("from/student"), 0o755)
		os.Chmod(at("to/student"), 0o755)
	})
	if err := unix.Mkfifo(at("from/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	from, to := opened(t, at("from")), opened(t, at("to"))
	if err := copyTree(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"run": 0o751, "student": 0o555 | os.ModeDir, "student/x": 0o400} {
		info, err := os.Lstat(at("to/" + name))
		if err != nil || info.Mode() != mode || !info.ModTime().Equal(old) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if b, err := os.ReadFile(at("to/student/x")); err != nil || string(b) != "hello" {
		t.Errorf("content %q, %v", b, err)
	}
	for name, want := range map[string]string{"link": "../secret", "dirlink": at("secretdir")} {
		if target, err := os.Readlink(at("to/" + name)); err != nil || target != want {
			t.Errorf("link %s: %q, %v", name, target, err)
		}
	}
	entries, err := os.ReadDir(at("to"))
	if err != nil || len(entries) != 5 {
		t.Errorf("copied %v, %v", entries, err)
	}
}

func opened(t *testing.T, dir string) *os.File {
	t.Helper()
	f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
