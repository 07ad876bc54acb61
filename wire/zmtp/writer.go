package zmtp

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	writeBuffer = 64 << 10
	writeChunk  = 1 << 20 // bytes that have to be gone within Config.Stall
)

// writer writes the frames and commands for one peer. It belongs to one goroutine.
type writer struct {
	c    *conn
	out  *bufio.Writer
	head [2 + maxHeader]byte // scratch
}

// write empties the queue into the connection until the connection ends, or
// until the queue is closed and empty. Its error is nil in both cases.
func (c *conn) write() error {
	w := &writer{c: c, out: bufio.NewWriterSize(c, writeBuffer)}
	var tick <-chan time.Time
	if c.pings && c.cfg.PingEvery > 0 {
		t := time.NewTicker(c.cfg.PingEvery)
		defer t.Stop()
		tick = t.C
	}
	for {
		var err error
		select {
		case <-c.ctx.Done():
			return nil
		case <-c.queue.wake:
			var closed bool
			if closed, err = w.drain(); err == nil && closed {
				return c.closeWrite()
			}
		case context := <-c.pongs:
			err = w.command("\x04PONG", context)
		case <-tick:
			// TTL 0: libzmq restarts its TTL timer once per message, not per
			// byte, so any other would end the connection inside a long one.
			err = w.command("\x04PING", []byte{0, 0})
		}
		if err != nil {
			return err
		}
	}
}

// drain writes all that is queued and flushes once.
func (w *writer) drain() (closed bool, err error) {
	var batch [][]byte
	for {
		batch, closed = w.c.queue.take(batch)
		if len(batch) == 0 {
			return closed, w.flush()
		}
		if err := w.batch(batch); err != nil {
			return false, err
		}
	}
}

// batch writes frames and gives their room in the queue back.
func (w *writer) batch(frames [][]byte) error {
	count, bytes := 0, int64(0)
	for i, f := range frames {
		if err := w.message(f); err != nil {
			return err
		}
		frames[i] = nil
		count++
		if bytes += int64(len(f)); bytes > writeBuffer {
			w.c.queue.release(count, bytes)
			count, bytes = 0, 0
		}
		select { // a peer that waits for its PONG must not wait for the whole queue
		case context := <-w.c.pongs:
			if err := w.command("\x04PONG", context); err != nil {
				return err
			}
		default:
		}
	}
	w.c.queue.release(count, bytes)
	return nil
}

// message writes one message, in chunks that each have their own deadline.
func (w *writer) message(f []byte) error {
	head := w.head[:0]
	if w.c.cfg.Delimiter {
		head = append(head, flagMore, 0)
	}
	if _, err := w.out.Write(appendHeader(head, 0, len(f))); err != nil {
		return err
	}
	for len(f) > writeChunk {
		if _, err := w.out.Write(f[:writeChunk]); err != nil {
			return err
		}
		w.c.progress.Store(time.Now().UnixNano())
		f = f[writeChunk:]
	}
	_, err := w.out.Write(f)
	return err
}

// command writes a command and flushes.
func (w *writer) command(name string, body []byte) error {
	head := appendHeader(w.head[:0], flagCommand, len(name)+len(body))
	if _, err := w.out.Write(head); err != nil {
		return err
	}
	if _, err := w.out.WriteString(name); err != nil {
		return err
	}
	if _, err := w.out.Write(body); err != nil {
		return err
	}
	return w.flush()
}

func (w *writer) flush() error { return w.out.Flush() }

// Write is what the writer's buffer is emptied into. Each call may be as long as
// a chunk and has its own deadline.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.net.SetWriteDeadline(time.Now().Add(c.cfg.Stall)); err != nil {
		return 0, err
	}
	n, err := c.net.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w for %v", ErrStalled, c.cfg.Stall)
	}
	return n, err
}
