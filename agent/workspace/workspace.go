package workspace

import (
	"context"
	"errors"
	"io/fs"
)

var (
	// ErrID refuses a course or task id that is no path beneath the tasks directory (PROTOCOL.md 7.1).
	ErrID = errors.New("bad course or task id")
	// ErrNoTask says that the course or task does not exist.
	ErrNoTask = errors.New("no such task")
	// ErrInUse says that another agent uses the state directory.
	ErrInUse = errors.New("state directory is in use")
	// ErrBadPath refuses a path that leaves the job's tree or goes through a link.
	ErrBadPath = errors.New("path leaves the job's tree")
)

// Config says where workspaces are.
type Config struct {
	Tasks string // the operator's directory of courses
	State string // a directory of our own, made if missing; containerd must see what is mounted in it
	// DiskBytes and DiskInodes bound what one job may write to /task and /sockets;
	// both 0: no bound.
	DiskBytes  int64
	DiskInodes int64
}

// Dir is a state directory, locked against other agents.
type Dir struct{}

// Open locks the state directory and removes what an earlier life left in it.
func Open(ctx context.Context, c Config) (*Dir, error) { return nil, errors.ErrUnsupported }

// Close unlocks the directory. Workspaces that were not removed stay for the next Open.
func (d *Dir) Close() error { return errors.ErrUnsupported }

// Job names what a workspace is for. Course and Task both "": a job without a task.
type Job struct {
	ID           string // one path element, unique among living jobs
	Course, Task string
}

// New prepares the workspace of a job. If it fails nothing is left.
func (d *Dir) New(ctx context.Context, j Job) (*Workspace, error) {
	return nil, errors.ErrUnsupported
}

// Workspace is what one job sees. Its paths are sources of bind mounts.
type Workspace struct {
	Task          string // for /task, read and write
	Sockets       string // for /sockets, read and write, mode 0777
	Common        string // for /course/common, read only; always with a folder student
	CommonStudent string // for /course/common/student of student containers, read only
}

// File writes a file of the job out of its containers' reach, unless bound into
// one, and returns its path. name is a relative path such as "etc/c1/hosts".
func (w *Workspace) File(name string, data []byte, mode fs.FileMode) (path string, err error) {
	return "", errors.ErrUnsupported
}

// Mkdir makes the directory rel ("task/…" or "sockets/…") and missing ones above
// it with mode 0777, following no link. An existing directory is no error.
func (w *Workspace) Mkdir(rel string) error { return errors.ErrUnsupported }

// Pin opens rel ("task/student", "sockets/x.sock") without following any link
// and mounts just that file or directory where no container can replace it.
// path is safe as a bind source until release, or Remove. A missing rel is
// fs.ErrNotExist; a link, or a way out of the tree, is [ErrBadPath].
func (w *Workspace) Pin(rel string) (path string, release func() error, err error) {
	return "", nil, errors.ErrUnsupported
}

// Remove unmounts and removes all of the workspace. The containers must be gone.
// It may be called again after an error, and then goes on.
func (w *Workspace) Remove(ctx context.Context) error { return errors.ErrUnsupported }
