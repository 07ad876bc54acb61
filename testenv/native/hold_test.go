package native

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// The directory stays for as long as anybody holds it, and goes with the last.
func TestHoldDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	first, err := holdDir(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := holdDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("removed while it is held: %v", err)
	}
	if err := second(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left behind (%v)", err)
	}
}

// A directory that somebody uses is not touched.
func TestHoldDirOfOthers(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "socket"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	release, err := holdDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(path, "socket")); err != nil {
		t.Error(err)
	}
}
