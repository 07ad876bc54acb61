package mainproc

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// openMode lets everybody do everything, as scripts expect of their directories.
const openMode = 0o777

// maxDepth bounds how deep a tree is walked: each level costs an open file.
const maxDepth = 200

// owner is who a tree shall belong to.
type owner struct{ uid, gid int }

// open gives a directory and all below it to o, with mode 0777. Links are neither followed nor changed in mode, and what vanishes
// meanwhile is no error. What is right already is not touched: on an overlay
// each change copies the file.
func (o owner) open(dir string) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil {
		err = o.take(fd, &st)
	}
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("change the rights of %s: %w", dir, err)
	}
	if err := o.below(fd, 0); err != nil {
		return fmt.Errorf("change rights below %s: %w", dir, err)
	}
	return nil
}

// below treats the entries of a directory, whose descriptor it closes.
func (o owner) below(fd, depth int) error {
	d := os.NewFile(uintptr(fd), "")
	defer d.Close()
	for {
		names, err := d.Readdirnames(256)
		for _, name := range names {
			if err := o.entry(fd, name, depth); err != nil && !errors.Is(err, unix.ENOENT) {
				return fmt.Errorf("%s: %w", name, err)
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

func (o owner) entry(dir int, name string, depth int) error {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		if depth >= maxDepth {
			return nil
		}
	case unix.S_IFREG, unix.S_IFIFO:
		if o.has(&st) {
			return nil
		}
	default: // a link, socket or device has no mode worth a change
		return unix.Fchownat(dir, name, o.uid, o.gid, unix.AT_SYMLINK_NOFOLLOW)
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil // it has just become a link
	}
	if err != nil {
		return err
	}
	if err = unix.Fstat(fd, &st); err == nil {
		err = o.take(fd, &st)
	}
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		unix.Close(fd)
		return err
	}
	return o.below(fd, depth+1)
}

func (o owner) has(st *unix.Stat_t) bool {
	return st.Uid == uint32(o.uid) && st.Gid == uint32(o.gid) && st.Mode&0o7777 == openMode
}

func (o owner) take(fd int, st *unix.Stat_t) error {
	if o.has(st) {
		return nil
	}
	if err := unix.Fchown(fd, o.uid, o.gid); err != nil {
		return err
	}
	return unix.Fchmod(fd, openMode)
}
