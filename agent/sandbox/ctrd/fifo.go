package ctrd

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// streams are our ends of a container's FIFOs.
type streams struct {
	dir      string
	in       *os.File
	out, err *output

	hold sync.Once
	held []*os.File // the shim's ends, until it has opened its own

	drains sync.WaitGroup
}

// openStreams makes and opens the FIFOs in dir, which must not be there yet.
func openStreams(dir string, grace time.Duration) (_ *streams, err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o711); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	s := &streams{dir: dir} // no result by name: that is nil already when close needs it
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	// Each FIFO is opened for reading and writing at first, which never blocks.
	// That keeps a reader from meeting an end, and lets the writer open at all,
	// before the shim has come. Our own end then is one direction only, so that
	// it notices the shim's going.
	open := func(name string, mode int) (*os.File, error) {
		path := s.path(name)
		if err := unix.Mkfifo(path, 0o600); err != nil {
			return nil, &os.PathError{Op: "mkfifo", Path: path, Err: err}
		}
		both, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		s.held = append(s.held, both)
		return os.OpenFile(path, mode|unix.O_NONBLOCK, 0)
	}
	if s.in, err = open("stdin", os.O_WRONLY); err != nil {
		return nil, err
	}
	out, err := open("stdout", os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	s.out = &output{file: out, grace: grace}
	serr, err := open("stderr", os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	s.err = &output{file: serr, grace: grace}
	return s, nil
}

// path is where the shim finds a stream.
func (s *streams) path(name string) string { return filepath.Join(s.dir, name) }

// release gives up the shim's ends: from now on an output ends when the shim
// closes it. Runtimes open them with the start of the process at the latest.
func (s *streams) release() error {
	var err error
	s.hold.Do(func() {
		for _, f := range s.held {
			err = errors.Join(err, f.Close())
		}
	})
	return err
}

// ended says that the process is gone: no read waits longer than the grace now.
func (s *streams) ended() {
	s.out.expire()
	s.err.expire()
}

// drain reads and forgets what the outputs still hold, until close.
func (s *streams) drain() {
	for _, o := range []*output{s.out, s.err} {
		s.drains.Go(func() { _, _ = io.Copy(io.Discard, o.file) }) // nobody wants it
	}
}

// close closes every end, whoever waits on it, and removes the FIFOs. Ours go
// first: a reader must not take the other's going for an end.
func (s *streams) close() error {
	var err error
	for _, f := range []io.Closer{s.in, s.out, s.err} {
		if e := f.Close(); e != nil && !errors.Is(e, os.ErrClosed) && !errors.Is(e, os.ErrInvalid) {
			err = errors.Join(err, e)
		}
	}
	s.drains.Wait()
	return errors.Join(err, s.release(), os.RemoveAll(s.dir))
}

// output is an output of the container. Once the process has ended, bytes come
// from the kernel's buffers alone: if none comes for the grace, none will, even
// if a stranger holds the stream open.
type output struct {
	file  *os.File
	grace time.Duration

	mu   sync.Mutex
	over bool
}

// Read reads like a file; a deadline error means that the end never came.
func (o *output) Read(p []byte) (int, error) {
	o.mu.Lock()
	if o.over {
		_ = o.file.SetReadDeadline(time.Now().Add(o.grace)) // a closed file fails the read
	}
	o.mu.Unlock()
	return o.file.Read(p)
}

// Close closes the file; a nil output is closed.
func (o *output) Close() error {
	if o == nil {
		return nil
	}
	return o.file.Close()
}

func (o *output) expire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	_ = o.file.SetReadDeadline(time.Now().Add(o.grace)) // a closed file needs none
}
