package native

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// holdDir makes the directory at path, if it is missing, and holds it until
// release, which removes it if nobody else holds it and nothing is in it.
//
// Removing a directory detaches what other namespaces have mounted there: a run
// that ends must not take the containerd of one that goes on.
func holdDir(path string) (release func() error, err error) {
	for {
		if err := os.Mkdir(path, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
		dir, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // removed by a run that ended just now
		}
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(dir.Fd()), unix.LOCK_SH); err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), dir.Close())
		}
		if same(dir, path) {
			return func() error { return letGo(dir, path) }, nil
		}
		dir.Close() // read only, and removed
	}
}

// same reports whether dir is still what is at path.
func same(dir *os.File, path string) bool {
	held, err := dir.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(held, there)
}

func letGo(dir *os.File, path string) error {
	defer dir.Close() // read only
	if unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil // somebody else holds it
	}
	err := os.Remove(path)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EBUSY) || errors.Is(err, os.ErrNotExist) {
		return nil // the machine's own containerd lives there
	}
	return err
}
