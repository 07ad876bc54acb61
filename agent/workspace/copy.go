package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// copyTree copies what is in from into to, with modes and times. Links are
// copied as links; what is neither file, directory nor link is left out.
func copyTree(ctx context.Context, from, to *os.File) error {
	src, err := os.OpenRoot(fdPath(from))
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenRoot(fdPath(to))
	if err != nil {
		return err
	}
	defer dst.Close()
	var dirs []string
	err = fs.WalkDir(src.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case name == ".":
			return nil
		case e.IsDir():
			dirs = append(dirs, name)
			return dst.Mkdir(name, 0o700)
		case e.Type() == fs.ModeSymlink:
			target, err := src.Readlink(name)
			return errors.Join(err, dst.Symlink(target, name))
		case e.Type().IsRegular():
			return copyFile(src, dst, name)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	for _, dir := range slices.Backward(dirs) { // times last: filling a directory changes them
		if err := copyMode(src, dst, dir); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
	}
	return nil
}

func copyFile(src, dst *os.Root, name string) error {
	in, err := src.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := dst.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in) // copy_file_range: shared extents where the file system can
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return copyMode(src, dst, name)
}

func copyMode(src, dst *os.Root, name string) error {
	info, err := src.Lstat(name)
	if err != nil {
		return err
	}
	return errors.Join(dst.Chmod(name, info.Mode().Perm()), dst.Chtimes(name, info.ModTime(), info.ModTime()))
}
