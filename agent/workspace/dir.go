package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

var (
	// ErrInUse says that another agent uses the state directory.
	ErrInUse = errors.New("state directory is in use by another agent")
	// ErrForeign says that what is in the state directory is not an agent's.
	ErrForeign = errors.New("its folder jobs is not an agent's: take another directory")
)

// Config says where workspaces are and how much may be written to one.
type Config struct {
	Tasks string // the operator's directory of courses
	State string // a directory of our own, made if missing

	// What one job may write, in bytes and in files: so much to /task and by its
	// student containers together, and as much by its grading container besides;
	// 0 bytes: no bound at all. It takes loop devices and the program mke2fs (see
	// the package). What the file system needs for itself counts, and a file that
	// only changes its owner or mode counts as a file of no bytes.
	DiskBytes  int64
	DiskInodes int64 // 0: one for every 8 KiB of DiskBytes
}

// Dir is a state directory, locked against other agents.
type Dir struct {
	config Config
	jobs   string
	lock   *os.File
	disks  *disks // nil: no bound
}

// Open locks the state directory, making it if it is missing, and removes what
// an earlier life left in it, until ctx ends. It needs root. [ErrInUse] if
// another agent has the directory, [ErrForeign] if none ever had it and there is
// something where jobs would be; nothing is changed then.
func Open(ctx context.Context, c Config) (_ *Dir, err error) {
	if c.DiskBytes < 0 || c.DiskInodes < 0 {
		return nil, fmt.Errorf("workspace: bounds %d bytes, %d files", c.DiskBytes, c.DiskInodes)
	}
	if c.DiskInodes == 0 {
		c.DiskInodes = c.DiskBytes / 8192
	}
	state, err := makeState(c.State)
	if err != nil {
		return nil, fmt.Errorf("workspace: make state directory: %w", err)
	}
	d := &Dir{config: c, jobs: filepath.Join(state, "jobs")}
	if err := checkOwner(state, d.jobs); err != nil {
		return nil, fmt.Errorf("workspace: state directory %s: %w", state, err)
	}
	if d.lock, err = lock(filepath.Join(state, "lock")); err != nil {
		return nil, fmt.Errorf("workspace: lock %s: %w", state, err)
	}
	if err := d.sweep(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("workspace: sweep: %w", err), d.lock.Close())
	}
	if c.DiskBytes > 0 {
		if d.disks, err = newDisks(ctx, state, c.DiskBytes, c.DiskInodes); err != nil {
			return nil, errors.Join(fmt.Errorf("workspace: bound what jobs write: %w", err), d.lock.Close())
		}
	}
	return d, nil
}

// makeState returns the directory's real and absolute path.
func makeState(state string) (string, error) {
	if state == "" {
		return "", fmt.Errorf("%w: no name", os.ErrInvalid)
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return "", err
	}
	state, err := filepath.EvalSymlinks(state)
	if err != nil {
		return "", err
	}
	return filepath.Abs(state)
}

// checkOwner refuses to sweep what no agent made. Each makes its lock first and
// leaves it.
func checkOwner(state, jobs string) error {
	entries, err := os.ReadDir(jobs)
	if len(entries) == 0 && (err == nil || errors.Is(err, os.ErrNotExist)) {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(state, "lock")); errors.Is(err, os.ErrNotExist) {
		return ErrForeign
	}
	return err
}

// lock is let go by the kernel if the agent dies.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return f, nil
}

// sweep removes every job of an earlier life, and touches nothing beside them.
func (d *Dir) sweep(ctx context.Context) error {
	if err := os.Mkdir(d.jobs, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	entries, err := os.ReadDir(d.jobs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := discard(ctx, filepath.Join(d.jobs, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// discard unmounts and removes a job's directory. It may be missing in part.
func discard(ctx context.Context, job string) error {
	if err := detach(job); err != nil {
		return err
	}
	return removeAll(ctx, job)
}

// Path is the state directory's real and absolute path.
func (d *Dir) Path() string { return filepath.Dir(d.jobs) }

// Close unlocks the directory. Workspaces that were not removed wait for the next Open.
func (d *Dir) Close() error { return d.lock.Close() }
