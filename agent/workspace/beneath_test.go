package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMkdirsFollowsNoLink(t *testing.T) {
	dir := tree(t, map[string]string{"top/there/": "", "top/file": "", "top/link": "-> ../outside", "top/inner": "-> there", "outside/": ""})
	if err := os.Chmod(filepath.Join(dir, "top/there"), 0o700); err != nil {
		t.Fatal(err)
	}
	top := opened(t, filepath.Join(dir, "top"))
	for rel, want := range map[string]error{
		"new": nil, "a/b/c": nil, "there/x": nil, "link": ErrBadPath, "link/x": ErrBadPath, "inner": ErrBadPath, "inner/x": ErrBadPath,
		"file": unix.ENOTDIR, "file/x": unix.ENOTDIR, "../outside/x": ErrBadPath,
	} {
		f, err := mkdirs(top, rel)
		if err == nil {
			f.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", rel, err)
		}
	}
	for name, mode := range map[string]os.FileMode{"new": 0o777, "a/b": 0o777, "there": 0o700, "there/x": 0o777} {
		if info, err := os.Stat(filepath.Join(dir, "top", name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "outside")); err != nil || len(entries) != 0 {
		t.Errorf("made outside: %v, %v", entries, err)
	}
}
