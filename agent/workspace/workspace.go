package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// Job names what a workspace is for. Course and Task both "": a job without a task.
type Job struct {
	ID           string // one path element, unique among living jobs
	Course, Task string
}

// Workspace is what one job sees. Its paths are sources of bind mounts, good
// until Remove. Its methods may be called from any goroutine.
type Workspace struct {
	Task          string // for /task, read and write
	Sockets       string // for /sockets, read and write
	Common        string // for /course/common, read only; always with a folder student
	CommonStudent string // for /course/common/student of student containers, read only
	Copied        bool   // the kernel made no overlay of the task, so its files were copied

	dir     string
	bounded bool
	pins    atomic.Int64

	mu    sync.Mutex
	trees map[string]*os.File // "task" and "sockets", nil after Remove
}

// New prepares the workspace of a job. If it fails nothing is left. What is wrong
// with the job's names or directories is [ErrID], [ErrNoTask] or [ErrBadPath].
func (d *Dir) New(ctx context.Context, j Job) (*Workspace, error) {
	if checkID(j.ID) != nil || strings.Contains(j.ID, "/") {
		return nil, fmt.Errorf("workspace: job: %w: %q", ErrID, j.ID)
	}
	from, err := openSource(d.config.Tasks, j)
	if err != nil {
		return nil, fmt.Errorf("workspace: %w", err)
	}
	defer from.close()
	w := &Workspace{dir: filepath.Join(d.jobs, j.ID), trees: map[string]*os.File{}}
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return nil, fmt.Errorf("workspace: %w", err)
	}
	if err := w.fill(ctx, d.disks, from); err != nil {
		return nil, errors.Join(fmt.Errorf("workspace: job %s: %w", j.ID, err), w.Remove(context.WithoutCancel(ctx)))
	}
	return w, nil
}

// File makes a file of the job out of its containers' reach, unless it is bound
// into one, and returns its path. name is a relative path such as
// "c1/hosts"; a name can be used once. mode is not subject to the umask.
func (w *Workspace) File(name string, data []byte, mode fs.FileMode) (path string, err error) {
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("workspace: file %q: %w", name, ErrBadPath)
	}
	path = filepath.Join(w.dir, "files", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("workspace: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return "", fmt.Errorf("workspace: %w", err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return "", fmt.Errorf("workspace: %w", err)
	}
	return path, nil
}

// Remove unmounts and removes all of the workspace, however it looks inside. The
// containers must be gone. It may be called again; after an error, or when ctx
// ended, it goes on where it was.
func (w *Workspace) Remove(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, tree := range w.trees {
		if tree != nil {
			tree.Close()
		}
	}
	w.trees = nil
	if err := discard(ctx, w.dir); err != nil {
		return fmt.Errorf("workspace: remove: %w", err)
	}
	return nil
}
