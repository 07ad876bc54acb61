package tool

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// What is no file is written to: a pipe, and what /proc says is open.
func TestReplaceOfWhatIsNoFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	for _, path := range []string{name, fmt.Sprintf("/proc/self/fd/%d", pipe.Fd())} {
		if err := replace(path, []byte("text")); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 10)
		if n, err := pipe.Read(b); err != nil || string(b[:n]) != "text" {
			t.Errorf("%s: %q, %v", path, b[:n], err)
		}
	}
	if err := replace(filepath.Dir(name), nil); err == nil {
		t.Error("a directory is written to")
	}
}

// A file in a directory that takes no others is written to. The kernel's are such.
func TestReplaceWhereNothingCanBeMade(t *testing.T) {
	const path = "/proc/self/comm"
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.WriteFile(path, before, 0); err != nil {
			t.Error(err)
		}
	}()
	if err := replace(path, []byte("replaced")); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "replaced\n" {
		t.Errorf("%q, %v", b, err)
	}
}
