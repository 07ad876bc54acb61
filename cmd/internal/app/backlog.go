package app

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"
)

const (
	maxBacklog = 1024        // lines
	lastWords  = time.Second // that the end of a program waits for who reads its log
	maxWait    = time.Second // that a line waits for who may be slow
)

// backlog is a log that nobody waits for in vain. Whoever reads it may be slow, and
// then sets the pace; or hang, as a full pipe does: then lines are lost, and jobs
// are graded.
type backlog struct {
	to    io.Writer
	lines chan []byte
	hangs atomic.Bool // no line was taken for maxWait, nor since
	lost  atomic.Int64
	over  chan struct{}
	done  chan struct{}
}

// newBacklog returns a log that goes on to w. When lines were lost and w takes
// some again, tell is called with their number. The caller must close it.
func newBacklog(w io.Writer, tell func(lost int64)) *backlog {
	b := &backlog{to: w, lines: make(chan []byte, maxBacklog), over: make(chan struct{}), done: make(chan struct{})}
	go b.run(tell)
	return b
}

// Write implements [io.Writer]. It takes maxWait at most, once.
func (b *backlog) Write(line []byte) (int, error) {
	own := bytes.Clone(line)
	select {
	case b.lines <- own:
	default:
		if b.hangs.Load() || !b.wait(own) {
			b.lost.Add(1)
		}
	}
	return len(line), nil
}

// wait hands on a line for which there is no room, and reports whether there was
// some in time.
func (b *backlog) wait(line []byte) bool {
	late := time.NewTimer(maxWait)
	defer late.Stop()
	select {
	case b.lines <- line:
		return true
	case <-late.C:
		b.hangs.Store(true)
		return false
	}
}

// close writes what waits, unless that takes too long. What is written to the
// log afterwards is lost.
func (b *backlog) close() {
	close(b.over)
	late := time.NewTimer(lastWords)
	defer late.Stop()
	select {
	case <-b.done:
	case <-late.C:
	}
}

func (b *backlog) run(tell func(int64)) {
	defer close(b.done)
	for {
		select {
		case line := <-b.lines:
			b.pass(line, tell)
		case <-b.over:
			if len(b.lines) == 0 {
				return
			}
		}
	}
}

func (b *backlog) pass(line []byte, tell func(int64)) {
	_, _ = b.to.Write(line) // a log that fails has nobody to tell
	b.hangs.Store(false)
	if n := b.lost.Swap(0); n > 0 {
		tell(n)
	}
}
