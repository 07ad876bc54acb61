package feedback

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
)

// Dir and Name say where the feedback of a job is.
const (
	Dir  = "/.__output"
	Name = "__feedback.json"
)

// maxSize is the largest feedback file that is read or written, in bytes.
const maxSize = 64 << 20

// corrupted is the text of a result whose file was not written by the tools.
const corrupted = "Feedback file has been modified by user !"

var (
	errNoFile   = errors.New("the feedback is not a regular file")
	errTooLarge = errors.New("the feedback is too large")
)

// Store is the feedback file in a directory, which need not exist.
type Store struct {
	dir string
	max int // bytes
}

// In returns the store in dir, which is [Dir] but in tests.
func In(dir string) Store { return Store{dir, maxSize} }

func (s Store) path() string { return filepath.Join(s.dir, Name) }

// Load reads the feedback; none is an empty map. The map is the caller's.
// Errors are of the file system, or [pyjson.ErrDepth].
func (s Store) Load() (*pyjson.Object, error) {
	text, err := s.read()
	if errors.Is(err, fs.ErrNotExist) || err == nil && text == "" {
		return new(pyjson.Object), nil
	}
	if err != nil {
		return nil, fmt.Errorf("load the feedback: %w", err)
	}
	v, err := pyjson.Parse(text)
	if errors.Is(err, pyjson.ErrDepth) {
		return nil, fmt.Errorf("load the feedback: %w", err)
	}
	if o, ok := v.(*pyjson.Object); ok && err == nil {
		return o, nil
	}
	o := new(pyjson.Object)
	o.Set("result", "crash")
	o.Set("text", corrupted)
	return o, nil
}

// read never waits for a writer and never follows a link: other programs in the
// container may put anything in the file's place.
func (s Store) read() (string, error) {
	f, err := os.OpenFile(s.path(), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return "", errors.Join(errNoFile, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(s.max)+1))
	if err == nil && len(b) > s.max {
		err = errTooLarge
	}
	return string(b), err
}

// Update loads the feedback, lets change alter it and saves it, alone among all
// users of the file. An error of change is returned as it is and nothing is saved.
func (s Store) Update(change func(*pyjson.Object) error) error {
	if err := os.MkdirAll(s.dir, 0o777); err != nil {
		return fmt.Errorf("save the feedback: %w", err)
	}
	unlock, err := s.lock()
	if err != nil {
		return fmt.Errorf("lock the feedback: %w", err)
	}
	defer unlock()
	o, err := s.Load()
	if err != nil {
		return err
	}
	if err := change(o); err != nil {
		return err
	}
	b, err := pyjson.Append(nil, o)
	if err == nil && len(b) > s.max { // nobody could read it again
		err = errTooLarge
	}
	if err != nil {
		return fmt.Errorf("save the feedback: %w", err)
	}
	if err := s.save(b); err != nil {
		return fmt.Errorf("save the feedback: %w", err)
	}
	return nil
}

func (s Store) lock() (unlock func(), err error) {
	d, err := os.Open(s.dir)
	if err != nil {
		return nil, err
	}
	if err := flock(d); err != nil {
		d.Close()
		return nil, err
	}
	return func() { d.Close() }, nil
}

func flock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// save replaces the file and keeps its owner and mode. In a directory that
// takes no new files it rewrites the file in place.
func (s Store) save(b []byte) error {
	old, statErr := os.Lstat(s.path())
	tmp := filepath.Join(s.dir, "."+Name+"."+strconv.Itoa(os.Getpid()))
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return rewrite(s.path(), b)
	}
	_, err = f.Write(b)
	if statErr == nil && err == nil {
		err = adopt(f, old)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, s.path())
	}
	if err != nil {
		err = errors.Join(err, os.Remove(tmp))
	}
	return err
}

// rewrite writes a file in place. It takes the space for all of it first: a full
// disk must not cost what the file had.
func rewrite(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o666)
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, int64(len(b)))
	if err == nil || errors.Is(err, unix.EOPNOTSUPP) { // some file systems cannot promise space
		_, err = f.Write(b)
	}
	if err == nil {
		err = f.Truncate(int64(len(b)))
	}
	return errors.Join(err, f.Close())
}

// adopt gives f the mode of old, and its owner where the process may do that.
func adopt(f *os.File, old fs.FileInfo) error {
	if sys, ok := old.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := f.Chown(int(sys.Uid), int(sys.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(old.Mode().Perm())
}
