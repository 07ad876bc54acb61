package mcq

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Courses that the service's user may not read are refused at the start, not job
// by job.
func TestNewNeedsTheRightToRead(t *testing.T) {
	tasks := t.TempDir()
	for dir, mode := range map[string]os.FileMode{filepath.Dir(tasks): 0o755, tasks: 0o755} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	open := func() error {
		ended := make(chan error)
		go func() {
			runtime.LockOSThread() // and never unlock: the thread ends with its user
			if os.Getuid() == 0 {
				if err := unix.Setfsuid(65534); err != nil {
					ended <- err
					return
				}
			}
			_, err := New(Config{Tasks: tasks, Log: slog.New(slog.DiscardHandler)})
			ended <- err
		}()
		return <-ended
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(tasks, 0); err != nil {
		t.Fatal(err)
	}
	if err := open(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want that it is not permitted", err)
	}
}
