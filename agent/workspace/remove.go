package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// remover empties a directory of strangers' files. It follows no link and knows
// no path: a directory that is found further down is first moved up to the top,
// so that neither depth nor the length of names matters, and no more than two
// descriptors are open.
type remover struct {
	top   *os.File
	moved int64
}

// removeAll removes the directory at path with all in it. None is no error.
func removeAll(ctx context.Context, path string) error {
	top, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return os.Remove(path) // somebody's file or link among ours
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer top.Close()
	r := &remover{top: top}
	for more := true; more; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if more, err = r.pass(ctx); err != nil {
			return fmt.Errorf("empty %s: %w", path, err)
		}
	}
	return os.Remove(path)
}

// pass removes what is at the top now; what it moved there is for the next one.
func (r *remover) pass(ctx context.Context) (more bool, err error) {
	if _, err := r.top.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	err = each(r.top, func(name string) error {
		more = true
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := retry(r.top, name, func() error { return unix.Unlinkat(int(r.top.Fd()), name, 0) })
		if errors.Is(err, unix.EISDIR) {
			err = r.empty(name)
		}
		return err
	})
	return more, err
}

// empty takes the directory name at the top apart and removes it.
func (r *remover) empty(name string) error {
	how := unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(int(r.top.Fd()), name, how, 0)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	dir := os.NewFile(uintptr(fd), name)
	defer dir.Close()
	err = each(dir, func(sub string) error {
		err := retry(dir, sub, func() error { return unix.Unlinkat(fd, sub, 0) })
		if errors.Is(err, unix.EISDIR) {
			err = r.raise(dir, sub)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = retry(r.top, name, func() error { return unix.Unlinkat(int(r.top.Fd()), name, unix.AT_REMOVEDIR) })
	if errors.Is(err, unix.ENOTEMPTY) {
		return nil // reading while removing may skip entries: the next pass finds them
	}
	return err
}

// raise moves the directory sub of dir to the top, under a name that is free.
func (r *remover) raise(dir *os.File, sub string) error {
	for {
		r.moved++
		to := ".moved-" + strconv.FormatInt(r.moved, 10)
		err := retry(dir, sub, func() error {
			return unix.Renameat2(int(dir.Fd()), sub, int(r.top.Fd()), to, unix.RENAME_NOREPLACE)
		})
		if !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
}

// retry does what makes an entry of dir go away. If it is protected by a mount or
// by attributes (chattr +i), these go first. One that is gone already is no error.
func retry(dir *os.File, name string, remove func() error) error {
	err := remove()
	switch {
	case errors.Is(err, unix.EBUSY):
		if err := detach(fdPath(dir) + "/" + name); err != nil {
			return err
		}
		err = remove()
	case errors.Is(err, unix.EPERM):
		clearFlags(dir, ".")
		clearFlags(dir, name)
		err = remove()
	}
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// protected are the attributes immutable and append-only, FS_IMMUTABLE_FL and
// FS_APPEND_FL of linux/fs.h.
const protected = 0x10 | 0x20

// clearFlags does what it can; the second try tells whether that was enough.
func clearFlags(dir *os.File, name string) {
	var st unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR {
		return // opening a device may do something
	}
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS); err == nil {
		_ = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags&^protected))
	}
}

// each calls do with every name in dir until it fails.
func each(dir *os.File, do func(name string) error) error {
	for {
		names, err := dir.Readdirnames(1024)
		for _, name := range names {
			if err := do(name); err != nil {
				return fmt.Errorf("%q: %w", name, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
