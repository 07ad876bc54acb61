package workspace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Layer makes an empty directory for what a container writes to its own root
// file system, so that the job's bound holds there too; "" if there is none.
// own says that the container has the job's second file system to itself: no
// other can then fill it. name can be used once.
func (w *Workspace) Layer(name string, own bool) (path string, err error) {
	if !w.bounded {
		return "", nil
	}
	if path, err = w.layer(name, own); err != nil {
		return "", err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", fmt.Errorf("workspace: layer: %w", err)
	}
	return path, nil
}

func (w *Workspace) layer(name string, own bool) (string, error) {
	if checkID(name) != nil || strings.Contains(name, "/") {
		return "", fmt.Errorf("workspace: layer: %w: %q", ErrID, name)
	}
	in := "layers"
	if own {
		in = "own"
	}
	return filepath.Join(w.dir, in, name), nil
}

// RemoveLayer removes a layer that is not needed any more before the job ends.
// None is no error.
func (w *Workspace) RemoveLayer(ctx context.Context, name string) error {
	path, err := w.layer(name, false)
	if err != nil {
		return err
	}
	if err := removeAll(ctx, path); err != nil {
		return fmt.Errorf("workspace: remove layer: %w", err)
	}
	return nil
}

// Full reports whether little is left of what the task and the students of a job
// with a bound may write: less than an eighth, in bytes or in files.
func (w *Workspace) Full() bool {
	var st unix.Statfs_t
	if !w.bounded || unix.Statfs(w.dir, &st) != nil {
		return false
	}
	return st.Bavail < st.Blocks/8 || st.Ffree < st.Files/8
}
