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

	"golang.org/x/sys/unix"
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

func (w *Workspace) fill(ctx context.Context, d *disks, from *source) error {
	if err := mountJob(w.dir, d); err != nil {
		return err
	}
	top, err := os.OpenFile(w.dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer top.Close()
	w.Task, w.Sockets = filepath.Join(w.dir, "task"), filepath.Join(w.dir, "sockets")
	if w.trees["sockets"], err = mkdirs(top, "sockets"); err != nil {
		return err
	}
	for _, name := range []string{"files", "pins", "layers", "own"} {
		if err := os.Mkdir(filepath.Join(w.dir, name), 0o700); err != nil {
			return err
		}
	}
	if d != nil {
		if err := d.mount(filepath.Join(w.dir, "own")); err != nil {
			return err
		}
		w.bounded = true
	}
	if err := w.fillTask(ctx, top, from.task); err != nil {
		return fmt.Errorf("task: %w", err)
	}
	if err := w.fillCommon(ctx, top, from); err != nil {
		return fmt.Errorf("$common: %w", err)
	}
	return nil
}

// fillTask mounts the task, and opens it as it is then.
func (w *Workspace) fillTask(ctx context.Context, top, task *os.File) error {
	under, err := mkdirs(top, "task")
	if err != nil || task == nil {
		w.trees["task"] = under
		return err
	}
	defer under.Close()
	upper, err := mkdirs(top, "upper")
	if err != nil {
		return err
	}
	defer upper.Close()
	work, err := mkdirs(top, "work")
	if err != nil {
		return err
	}
	defer work.Close()
	err = overlay(w.Task, task, upper, work)
	if errors.Is(err, errNoOverlay) {
		w.Copied = true
		err = copyTree(ctx, task, under)
	}
	if err != nil {
		return err
	}
	if w.trees["task"], err = os.OpenFile(w.Task, unix.O_PATH|unix.O_DIRECTORY, 0); err != nil {
		return err
	}
	student, err := mkdirs(w.trees["task"], "student")
	if errors.Is(err, ErrBadPath) || absent(err) {
		return nil // a link or a file, with which only student containers cannot work
	}
	if err != nil {
		return err
	}
	return student.Close()
}

// fillCommon shows what the course shares, with a folder student in any case: the
// directory is read only, so that nobody could make one to mount on.
func (w *Workspace) fillCommon(ctx context.Context, top *os.File, from *source) error {
	w.Common, w.CommonStudent = filepath.Join(w.dir, "common"), filepath.Join(w.dir, "student")
	common, err := mkdirs(top, "common")
	if err != nil {
		return err
	}
	defer common.Close()
	student, err := mkdirs(top, "student")
	if err != nil {
		return err
	}
	defer student.Close()
	if from.commonStudent != nil {
		if err := bind(from.commonStudent, w.CommonStudent); err != nil {
			return err
		}
		return bind(from.common, w.Common)
	}
	empty, err := mkdirs(top, "empty/student")
	if err != nil {
		return err
	}
	defer empty.Close()
	if from.common == nil {
		w.Common = filepath.Join(w.dir, "empty")
		return nil
	}
	below, err := openDir(top, "empty", nowhere)
	if err != nil {
		return err
	}
	defer below.Close()
	err = union(w.Common, from.common, below)
	if errors.Is(err, errNoOverlay) {
		err = errors.Join(copyTree(ctx, from.common, common), os.MkdirAll(filepath.Join(w.Common, "student"), 0o755))
	}
	return err
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
