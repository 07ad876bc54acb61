package zmtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// conn is one connection after its handshake.
type conn struct {
	hello
	peer  wire.Peer
	addr  string
	net   net.Conn
	cfg   *Config
	queue *queue
	pongs chan []byte // contexts of PINGs that wait for their answer

	// ctx ends with the connection, its cause is why. Ending it closes net.
	ctx    context.Context
	cancel context.CancelCauseFunc
	gone   chan struct{} // closed when the end was handed up

	progress atomic.Pointer[time.Time] // when a write last had to wait and went through; nil: never
	ttl      time.Duration             // silence that the peer allowed itself; the reader's
}

func newConn(nc net.Conn, h hello, peer wire.Peer, addr string, cfg *Config) *conn {
	c := &conn{
		hello: h, peer: peer, addr: addr, net: nc, cfg: cfg, queue: newQueue(cfg),
		pongs: make(chan []byte, 4), gone: make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	context.AfterFunc(c.ctx, func() { hardClose(nc) })
	return c
}

// hardClose closes a connection without waiting. A TLS connection would try to
// say goodbye first, for seconds if the peer is stalled.
func hardClose(nc net.Conn) {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	nc.Close()
}

// finish has what is queued written, then closes our side. The peer's close,
// or whoever cancels, ends the connection.
func (c *conn) finish() { c.queue.close() }

// closeWrite says that nothing more will be sent.
func (c *conn) closeWrite() error {
	if h, ok := c.net.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return nil
}

// writes runs the writer. When it fails, what the peer sent before may still be
// on its way up: the reader gets a moment to find the end by itself.
func (c *conn) writes() {
	err := c.write()
	c.queue.close()
	switch {
	case err == nil:
	case errors.Is(err, ErrStalled):
		c.cancel(err)
	default:
		grace := time.AfterFunc(c.cfg.Linger, func() { c.cancel(fmt.Errorf("write: %w", err)) })
		context.AfterFunc(c.ctx, func() { grace.Stop() })
	}
}

// Read is where the reader's buffer is filled from. It ends a peer that is
// silent for too long. A peer that a write of ours waited for, and that then took
// it, is excused: it is alive, and with a long message before it no PING of ours
// can have reached it.
func (c *conn) Read(b []byte) (int, error) {
	limit := c.ttl
	if c.pings && c.cfg.PingEvery > 0 && (limit == 0 || limit > c.cfg.Silence) {
		limit = c.cfg.Silence
	}
	if limit == 0 {
		return c.net.Read(b)
	}
	for end := time.Now().Add(limit); ; {
		if err := c.net.SetReadDeadline(end); err != nil {
			return 0, err
		}
		n, err := c.net.Read(b)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		at := c.progress.Load()
		if at == nil || time.Since(*at) >= limit {
			return 0, fmt.Errorf("%w for %v", ErrSilent, limit)
		}
		end = at.Add(limit)
	}
}

// pinged notes a PING. Answers that wait are bounded: a peer that sends PINGs
// faster than it reads loses some.
func (c *conn) pinged(ttl time.Duration, context []byte) {
	c.ttl = ttl
	select {
	case c.pongs <- context:
	default:
	}
}
