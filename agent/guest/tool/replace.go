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
// followed. Devices and pipes are written to. The mode of a file that was there stays.
func replace(path string, content []byte) error {
	mode := fs.FileMode(0o666)
	st, err := os.Lstat(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case err == nil && st.Mode().IsRegular():
		mode = st.Mode().Perm()
	case strings.HasPrefix(path, "/dev/"), err == nil && st.Mode()&fs.ModeSymlink == 0:
		return write(path, os.O_WRONLY, mode, content)
	}
	f, err := fresh(filepath.Dir(path), mode)
	if err != nil { // in a directory of others: then no student has put anything there
		return write(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, mode, content)
	}
	_, err = f.Write(content)
	if st != nil && st.Mode().IsRegular() && err == nil {
		if own, ok := st.Sys().(*syscall.Stat_t); ok {
			_ = f.Chown(int(own.Uid), int(own.Gid)) // as far as we may
		}
		err = f.Chmod(mode) // whatever the umask says
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func write(path string, flags int, mode fs.FileMode, content []byte) error {
	f, err := os.OpenFile(path, flags, mode)
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
