package tool_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/tool"
)

// A pipe at either end would wait for somebody else, for ever.
func TestPipesAreNotArchived(t *testing.T) {
	root := newRoot(t)
	write(t, root+"/task/f", "x")
	if err := errors.Join(unix.Mkfifo(root+"/archive/f", 0o600), unix.Mkfifo(root+"/task/p", 0o600)); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"f": "'/archive//f' is not a regular file\n", "p": "'p' is not a regular file\n"} {
		if out, code := call(t, root, tool.Archive, "-a", file); code != 2 || out != want {
			t.Errorf("%s: exit %d, %q", file, code, out)
		}
	}
}

func TestArchivedFileKeepsItsMode(t *testing.T) {
	root := newRoot(t)
	write(t, root+"/task/f", "x")
	if err := os.Chmod(root+"/task/f", 0o751); err != nil {
		t.Fatal(err)
	}
	if out, code := call(t, root, tool.Archive, "--add", "f", "-o", "a/b"); code != 0 || out != "" {
		t.Fatalf("exit %d, %q", code, out)
	}
	if st, err := os.Stat(root + "/archive/a/b/f"); err != nil || st.Mode().Perm() != 0o751 {
		t.Errorf("%v, %v", st, err)
	}
}

// No way leads out of the archive, nor is a file copied onto itself.
func TestArchiveIsNotLeft(t *testing.T) {
	root := newRoot(t)
	write(t, root+"/task/f", "x")
	write(t, root+"/archive/g", "y")
	for _, args := range [][]string{
		{"-a", "f", "-s", ".."}, {"-r", "../task/f"}, {"-s", "../task", "-r", "f"}, {"-r", "."}, {"-a", "/archive/g"},
	} {
		if out, code := call(t, root, tool.Archive, args...); code != 2 || strings.Count(out, "\n") != 1 {
			t.Errorf("%q: exit %d, %q", args, code, out)
		}
	}
	for path, want := range map[string]string{"/task/f": "x", "/archive/g": "y"} {
		if b, err := os.ReadFile(root + path); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", path, b, err)
		}
	}
}
