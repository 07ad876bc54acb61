package tool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// replace puts a new file with that content in the place of path. A program of the
// student may have made that a link, to the feedback for example, which is not
// followed. What is no file is written to, also by its links in /dev and /proc. The
// mode of a file that was there stays.
func replace(path string, content []byte) error {
	st, err := os.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	there := err == nil
	if there && special(path, st.Mode()) {
		return write(path, os.O_WRONLY|os.O_TRUNC, content)
	}
	mode := fs.FileMode(0o666)
	if there && st.Mode().IsRegular() {
		mode = st.Mode().Perm()
	}
	f, err := fresh(filepath.Dir(path), mode)
	if err == nil {
		_, err = f.Write(content)
		if there && st.Mode().IsRegular() {
			err = errors.Join(err, like(f, st))
		}
		err = errors.Join(err, f.Close())
		if err == nil {
			err = os.Rename(f.Name(), path)
		}
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}
	if err != nil { // in a directory of others, for example: then into the file that is there
		return write(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, content)
	}
	return nil
}

// special reports whether what is at path, of that mode, is written to as it is.
func special(path string, mode fs.FileMode) bool {
	if mode.Type() == fs.ModeSymlink {
		return strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/")
	}
	return !mode.IsRegular()
}

// like gives f the rights of another file.
func like(f *os.File, st fs.FileInfo) error {
	if own, ok := st.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(own.Uid), int(own.Gid)) // as far as we may
	}
	return f.Chmod(st.Mode().Perm()) // whatever the umask says
}

func write(path string, flags int, content []byte) error {
	f, err := os.OpenFile(path, flags, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// fresh makes a file in dir, of a name that nobody has.
func fresh(dir string, mode fs.FileMode) (*os.File, error) {
	f, err := os.CreateTemp(dir, ".parsetemplate-") // for nobody else
	if err != nil {
		return nil, err
	}
	name := f.Name()
	f.Close()
	if err := os.Remove(name); err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, mode)
}
