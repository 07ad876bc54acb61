package mainproc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/guesttest"
)

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// A pipe in a task, which nobody writes to, is opened to all as a file is, and
// keeps nobody waiting.
func TestRightsOfPipes(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (owner{os.Getuid(), os.Getgid()}).open(dir); err != nil {
		t.Fatal(err)
	}
	if m := mode(t, pipe); m != openMode {
		t.Errorf("mode %o", m)
	}
}

// A script that exchanges a file and a link all the time never has the link's
// target opened to all.
func TestRightsAgainstARace(t *testing.T) {
	top := t.TempDir()
	secret, dir := filepath.Join(top, "secret"), filepath.Join(top, "dir")
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	err := errors.Join(os.WriteFile(secret, nil, 0o600), os.Mkdir(dir, 0o700), os.WriteFile(a, nil, 0o600), os.Symlink(secret, b))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(a)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stop := guesttest.Exchange(t, a, b)
	o := owner{os.Getuid(), os.Getgid()}
	for range 5000 {
		if err := errors.Join(file.Chmod(0o600), o.open(dir)); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if m := mode(t, secret); m != 0o600 {
		t.Errorf("the link's target has mode %o", m)
	}
}
