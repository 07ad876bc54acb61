package zmtp

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	writeBuffer = 64 << 10
	writeChunk  = 1 << 20 // bytes that have to be gone within Config.Stall
	copyLimit   = 8 << 10 // a shorter message is copied, to be sent with others

	// A write that took so long waited for the peer to read.
	slowWrite = 100 * time.Millisecond
)

// writer writes the frames and commands for one peer. It belongs to one goroutine.
type writer struct {
	c       *conn
	tick    <-chan time.Time // when to send a PING; nil: never
	pending []byte           // not yet written
	count   int              // messages that ended in pending, or before, and have their room in the queue
	bytes   int64            // of those
	store   [2][]byte        // of vector
	vector  net.Buffers      // scratch
}

// write empties the queue into the connection until the connection ends, or
// until the queue is closed and empty. Its error is nil in both cases.
func (c *conn) write() error {
	w := &writer{c: c}
	if c.pings && c.cfg.PingEvery > 0 {
		t := time.NewTicker(c.cfg.PingEvery)
		defer t.Stop()
		w.tick = t.C
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
			err = w.pong(context)
		case <-w.tick:
			err = w.ping()
		}
		if err != nil {
			return err
		}
	}
}

func (w *writer) pong(context []byte) error { return w.command("\x04PONG", context) }

// ping sends a PING with TTL 0: libzmq restarts its TTL timer once per message,
// not per byte, so any other would end the connection inside a long one.
func (w *writer) ping() error { return w.command("\x04PING", []byte{0, 0}) }

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

// batch writes frames, and lets heartbeats through now and then: a queue that never
// empties must not delay them.
func (w *writer) batch(frames [][]byte) error {
	since := 0
	for i, f := range frames {
		if err := w.message(f); err != nil {
			return err
		}
		frames[i] = nil
		w.count++
		w.bytes += int64(len(f))
		if len(w.pending) == 0 {
			w.release()
		}
		if since += len(f); since < writeBuffer && i < len(frames)-1 {
			continue
		}
		since = 0
		if err := w.heartbeat(); err != nil {
			return err
		}
	}
	return nil
}

// release gives back the room in the queue of messages that were written.
func (w *writer) release() {
	if w.count > 0 {
		w.c.queue.release(w.count, w.bytes)
		w.count, w.bytes = 0, 0
	}
}

// heartbeat sends what is due.
func (w *writer) heartbeat() error {
	select {
	case context := <-w.c.pongs:
		return w.pong(context)
	case <-w.tick:
		return w.ping()
	default:
		return nil
	}
}

// message writes one message, a long one in chunks that each have their own
// deadline.
func (w *writer) message(f []byte) error {
	if err := w.room(maxHeader + 2 + copyLimit); err != nil {
		return err
	}
	if w.c.cfg.Delimiter {
		w.pending = append(w.pending, flagMore, 0)
	}
	w.pending = appendHeader(w.pending, 0, len(f))
	if len(f) <= copyLimit {
		w.pending = append(w.pending, f...)
		return nil
	}
	for len(f) > writeChunk {
		if err := w.write(f[:writeChunk]); err != nil {
			return err
		}
		f = f[writeChunk:]
	}
	return w.write(f)
}

// command writes a command at once.
func (w *writer) command(name string, body []byte) error {
	if err := w.room(maxHeader + len(name) + len(body)); err != nil {
		return err
	}
	w.pending = appendHeader(w.pending, flagCommand, len(name)+len(body))
	w.pending = append(append(w.pending, name...), body...)
	return w.flush()
}

// room makes sure that n more bytes can wait, of at most writeBuffer.
func (w *writer) room(n int) error {
	if len(w.pending)+n <= writeBuffer {
		return nil
	}
	return w.flush()
}

func (w *writer) flush() error {
	if len(w.pending) == 0 {
		return nil
	}
	return w.write(nil)
}

// write writes what is pending and then b, in one system call if the connection
// can. It has to be done within Config.Stall.
func (w *writer) write(b []byte) error {
	start := time.Now()
	if err := w.c.net.SetWriteDeadline(start.Add(w.c.cfg.Stall)); err != nil {
		return err
	}
	w.vector = w.store[:0]
	for _, part := range [...][]byte{w.pending, b} {
		if len(part) > 0 {
			w.vector = append(w.vector, part)
		}
	}
	_, err := w.vector.WriteTo(w.c.net)
	clear(w.store[:]) // b is not ours to keep
	w.pending = w.pending[:0]
	if end := time.Now(); err == nil && end.Sub(start) > slowWrite {
		w.c.progress.Store(&end) // with its monotonic reading: clocks are set
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w for %v", ErrStalled, w.c.cfg.Stall)
	}
	if err == nil {
		w.release()
	}
	return err
}
