package workspace

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// How far the links on a path are followed.
const (
	trusted = unix.RESOLVE_NO_MAGICLINKS                               // anywhere
	inside  = unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_BENEATH        // but not out of the directory
	nowhere = inside | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV // not at all, nor into other mounts
)

// openDir opens a directory for its path only. A way out is [ErrBadPath].
func openDir(at *os.File, name string, how uint64) (*os.File, error) {
	return open(at, name, unix.O_PATH|unix.O_DIRECTORY, how)
}

func open(at *os.File, name string, flags, how uint64) (*os.File, error) {
	for {
		fd, err := unix.Openat2(int(at.Fd()), name, &unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: how})
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), name), nil
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue // something was renamed meanwhile, so that ".." could not be trusted
		case errors.Is(err, unix.EXDEV), errors.Is(err, unix.ELOOP):
			return nil, fmt.Errorf("open %q: %w", name, ErrBadPath)
		}
		return nil, &os.PathError{Op: "openat2", Path: name, Err: err}
	}
}

// mkdirs makes the directory rel beneath at with mode 0777 for every part that is
// missing, and opens it. It follows no link.
func mkdirs(at *os.File, rel string) (*os.File, error) {
	dir, err := openDir(at, ".", nowhere)
	if err != nil {
		return nil, err
	}
	for part := range strings.SplitSeq(rel, "/") {
		err := unix.Mkdirat(int(dir.Fd()), part, 0o777)
		made := err == nil
		if err != nil && !errors.Is(err, unix.EEXIST) {
			dir.Close()
			return nil, &os.PathError{Op: "mkdirat", Path: rel, Err: err}
		}
		next, err := openDir(dir, part, nowhere)
		dir.Close()
		if err != nil {
			return nil, err
		}
		dir = next
		if made {
			if err := os.Chmod(fdPath(dir), 0o777); err != nil { // the umask took bits away
				dir.Close()
				return nil, err
			}
		}
	}
	return dir, nil
}

// fdPath names what f has open, wherever it is now.
func fdPath(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
