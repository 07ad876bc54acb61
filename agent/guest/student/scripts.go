package student

import (
	"errors"
	"os"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/worker"
)

// scripts is the directory of a task that is hidden from people in SSH sessions.
// They are the worker, and the files of a task are the worker's: it takes another
// owner to keep them out.
type scripts struct {
	path        string
	shown, kept int // whose it is, uid and gid
}

func taskScripts() scripts { return scripts{"/task/student/scripts", worker.ID, 0} }

// open returns nil if the task has no such directory, or if something else that
// a student put there is in its place.
func (s scripts) open() (*os.File, error) {
	d, err := os.OpenFile(s.path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return d, err
}

// hide hides the directory until what it returns is given to show; nil, which may
// be given too, if there is none.
func (s scripts) hide() (*os.File, error) {
	d, err := s.open()
	if d == nil || err != nil {
		return nil, err
	}
	// A lock tells the sessions in other containers that it is still needed. No
	// student may make us wait for one.
	_ = syscall.Flock(int(d.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	return d, errors.Join(d.Chown(s.kept, s.kept), d.Chmod(0o700))
}

// show shows a directory, which it closes, unless a session in another container
// with this kernel is hiding it.
func (s scripts) show(d *os.File) error {
	if d == nil {
		return nil
	}
	defer d.Close()
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return nil
	}
	return errors.Join(d.Chown(s.shown, s.shown), d.Chmod(0o777))
}

// reveal shows what a session that was killed has left hidden.
func (s scripts) reveal() error {
	d, err := s.open()
	if err != nil {
		return err
	}
	return s.show(d)
}
