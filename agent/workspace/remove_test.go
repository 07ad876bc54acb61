package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRemoveAll(t *testing.T) {
	dir := tree(t, map[string]string{
		"kept/file":              "kept",
		"job/a/b/c":              "x",
		"job/.moved-1/.moved-2/": "", // names that the remover itself would use
		"job/a/.moved-3/y":       "x",
		"job/out":                "-> ../kept",
		"job/a/out":              "-> DIR/kept/file",
		"job/" + strings.Repeat("x", 255) + "/" + strings.Repeat("y", 255): "long",
		"job/a/\x01\n\xff": "odd",
	})
	job := filepath.Join(dir, "job")
	if err := unix.Mkfifo(filepath.Join(job, "fifo"), 0); err != nil {
		t.Fatal(err)
	}
	for i := range 1500 {
		if err := os.WriteFile(filepath.Join(job, fmt.Sprintf("a/%d", i)), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeAll(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(job); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "kept/file")); err != nil || string(b) != "kept" {
		t.Errorf("a link was followed: %q, %v", b, err)
	}
	if err := removeAll(t.Context(), job); err != nil {
		t.Errorf("removing nothing: %v", err)
	}
}

func TestRemoveAllOfALink(t *testing.T) {
	dir := tree(t, map[string]string{"kept/file": "", "link": "-> kept", "file": ""})
	for _, name := range []string{"link", "file"} {
		if err := removeAll(t.Context(), filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "kept/file")); err != nil {
		t.Error(err)
	}
}

// deepen makes a chain of n directories, deeper than any path can name.
func deepen(t testing.TB, dir string, n int) {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := unix.Mkdirat(fd, "d", 0o700); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Openat(fd, "d", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		unix.Close(fd)
		if err != nil {
			t.Fatal(err)
		}
		fd = next
	}
	unix.Close(fd)
}

func TestRemoveAllDeep(t *testing.T) {
	job := filepath.Join(t.TempDir(), "job")
	if err := os.Mkdir(job, 0o700); err != nil {
		t.Fatal(err)
	}
	deepen(t, job, 1000)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if err := removeAll(ctx, job); !errors.Is(err, enough) {
		t.Errorf("with an ended context: %v", err)
	}
	if err := removeAll(t.Context(), job); err != nil { // goes on where it was
		t.Fatal(err)
	}
}
