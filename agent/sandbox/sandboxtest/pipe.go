package sandboxtest

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// pipeSize is how much a pipe holds before writers wait, as in the kernel.
const pipeSize = 64 << 10

// pipe is a bounded byte stream. Its two ends are closed apart: a reader gets
// the rest and then io.EOF, a writer without reader gets EPIPE.
type pipe struct {
	mu     sync.Mutex
	moved  sync.Cond // buf, writer or reader changed
	buf    []byte
	writer bool // open for writing
	reader bool // open for reading
}

func newPipe() *pipe {
	p := &pipe{writer: true, reader: true}
	p.moved.L = &p.mu
	return p
}

type (
	readEnd  struct{ *pipe }
	writeEnd struct{ *pipe }
)

var (
	_ io.ReadCloser  = readEnd{}
	_ io.WriteCloser = writeEnd{}
)

func (p readEnd) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) == 0 && p.writer && p.reader && len(b) > 0 {
		p.moved.Wait()
	}
	switch {
	case !p.reader:
		return 0, os.ErrClosed
	case len(p.buf) == 0 && !p.writer:
		return 0, io.EOF
	}
	n := copy(b, p.buf)
	p.buf = p.buf[n:]
	p.moved.Broadcast()
	return n, nil
}

func (p writeEnd) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := 0
	for {
		switch {
		case !p.writer:
			return done, os.ErrClosed
		case !p.reader:
			return done, unix.EPIPE
		case done == len(b):
			return done, nil
		}
		if n := min(pipeSize-len(p.buf), len(b)-done); n > 0 {
			p.buf = append(p.buf, b[done:done+n]...)
			done += n
			p.moved.Broadcast()
			continue
		}
		p.moved.Wait()
	}
}

func (p readEnd) Close() error  { return p.shut(&p.reader) }
func (p writeEnd) Close() error { return p.shut(&p.writer) }

func (p *pipe) shut(end *bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	*end = false
	p.moved.Broadcast()
	return nil
}
