package zmtp

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/ingot-grading/ingot/wire"
)

var _ wire.Router = (*Router)(nil)

// Router is a ROUTER socket that listens on one address. REQ, DEALER and ROUTER
// sockets may connect to it.
//
// A peer that announces an identity keeps it as its routing id. When a second
// connection announces the same one it takes over: the older ends with
// [ErrReplaced], and its PeerDown comes before the new PeerUp. A peer without an
// identity gets five bytes, the first of them zero, as with libzmq.
type Router struct {
	*end
	listeners []net.Listener
	scheme    string
	shaking   *waiting
	closing   sync.Once

	ids    map[string]*conn // by routing id; guarded by end.mu
	nextID uint32           // likewise

	accepted, refused, failed atomic.Uint64
}

// Stats counts what a Router has seen since it was made.
type Stats struct {
	Peers      int    // connections that are up now
	Handshakes int    // connections in their handshake now
	Accepted   uint64 // connections accepted
	Refused    uint64 // of those, closed because of MaxPeers or MaxHandshakes
	Failed     uint64 // of those, ended in their handshake for another reason

	Queued      int     // messages that wait to be sent now, for all peers
	QueuedBytes int64   // of those
	Longest     []Queue // the peers for which most bytes wait, at most [LongestQueues], the most first
}

// Queue is what waits for one peer.
type Queue struct {
	Addr     string // the peer's
	Messages int
	Bytes    int64
}

// LongestQueues is how many queues [Stats] tells of.
const LongestQueues = 10

// Listen opens addr, in one of the forms of the package comment, and serves it
// until Close. The owner must read Events.
func Listen(addr string, cfg Config) (*Router, error) {
	cfg, err := cfg.normal()
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	a, err := parseAddress(addr, true)
	if err != nil {
		return nil, err
	}
	lns, err := listenAll(a, &cfg)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return newRouter(lns, a.scheme, cfg), nil
}

// newRouter serves lns. Cfg has its defaults filled in.
func newRouter(lns []net.Listener, scheme string, cfg Config) *Router {
	r := &Router{
		end: newEnd(cfg), listeners: lns, scheme: scheme,
		shaking: newWaiting(cfg.MaxHandshakes),
		ids:     map[string]*conn{}, nextID: rand.Uint32(),
	}
	for _, ln := range lns {
		r.work.Go(func() { r.accept(ln) })
	}
	return r
}

// Addr is the address that is listened on, with the real port. It can be dialed
// from the same host.
func (r *Router) Addr() string { return endpoint(r.scheme, r.listeners[0].Addr()) }

// Stats returns the counts of this moment.
func (r *Router) Stats() Stats {
	st := Stats{
		Handshakes: r.shaking.len(),
		Accepted:   r.accepted.Load(), Refused: r.refused.Load(), Failed: r.failed.Load(),
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	st.Peers = len(r.conns)
	for _, c := range r.conns {
		count, bytes := c.queue.size()
		if count == 0 {
			continue
		}
		st.Queued += count
		st.QueuedBytes += bytes
		st.Longest = append(st.Longest, Queue{c.addr, count, bytes})
	}
	slices.SortFunc(st.Longest, func(a, b Queue) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Addr, b.Addr)) })
	st.Longest = st.Longest[:min(len(st.Longest), LongestQueues)]
	return st
}

// Close stops listening, flushes what is queued for at most Config.Linger and
// closes all connections. It does not wait for the reader of Events, which is
// closed after the last PeerDown. Messages that arrive from now on may be dropped.
func (r *Router) Close() error { return r.CloseWithin(r.cfg.Linger) }

// CloseWithin is Close with another time in place of Config.Linger.
func (r *Router) CloseWithin(linger time.Duration) error {
	r.closing.Do(func() {
		r.stop(ErrClosed)
		for _, ln := range r.listeners {
			ln.Close()
		}
		r.shaking.closeAll()
		r.close(linger)
		go func() {
			r.work.Wait()
			close(r.events)
		}()
	})
	return nil
}

// The pauses after a failed accept. Running out of descriptors is the usual
// cause, and trying again at once would only burn the processor.
const (
	acceptPauseMin = 5 * time.Millisecond
	acceptPauseMax = time.Second
)

func (r *Router) accept(ln net.Listener) {
	pause := acceptPauseMin
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = acceptPauseMin
			r.accepted.Add(1)
			r.admit(nc)
			continue
		case r.ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return
		}
		r.cfg.Log.Warn("accept failed", "addr", r.Addr(), "err", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-r.ctx.Done():
			return
		}
		pause = min(2*pause, acceptPauseMax)
	}
}

// admit starts the handshake of a new connection.
func (r *Router) admit(nc net.Conn) {
	evicted, ok := r.shaking.add(nc)
	if !ok { // this end is closed
		hardClose(nc)
		return
	}
	if evicted {
		r.refused.Add(1)
	}
	r.work.Go(func() {
		h, err := shake(r.ctx, nc, zmq4.Router, &r.cfg)
		if kept := r.shaking.remove(nc); !kept || err != nil {
			if kept {
				r.failed.Add(1)
			}
			hardClose(nc)
			r.cfg.Log.Debug("handshake failed", "peer", r.remote(nc), "err", err)
			return
		}
		c, err := r.join(nc, h)
		if err != nil {
			r.refused.Add(1)
			hardClose(nc)
			r.cfg.Log.Debug("peer refused", "peer", r.remote(nc), "err", err)
			return
		}
		r.cfg.Log.Debug("peer up", "peer", c.addr, slog.Bool("pings", c.pings))
		r.serve(c)
		r.leave(c)
	})
}

func (r *Router) remote(nc net.Conn) string {
	if r.scheme == "ipc" { // the other side has no address of its own
		return endpoint(r.scheme, nc.LocalAddr())
	}
	return endpoint(r.scheme, nc.RemoteAddr())
}

var errFull = errors.New("too many peers")

// join makes nc a connection with a routing id of its own. If another one has
// that id, join ends it and waits until its PeerDown was handed up.
func (r *Router) join(nc net.Conn, h hello) (*conn, error) {
	r.mu.Lock()
	old := r.ids[h.identity]
	if old == nil && len(r.conns) >= r.cfg.MaxPeers {
		r.mu.Unlock()
		return nil, errFull
	}
	if h.identity == "" {
		h.identity = r.newID()
	}
	c, err := r.add(nc, h, r.remote(nc))
	if err == nil {
		r.ids[h.identity] = c
	}
	r.mu.Unlock()
	if err == nil && old != nil {
		old.cancel(ErrReplaced)
		<-old.gone
	}
	return c, err
}

// newID makes up a routing id in libzmq's form that no peer has.
func (r *Router) newID() string {
	for {
		r.nextID++
		id := string(binary.BigEndian.AppendUint32([]byte{0}, r.nextID))
		if r.ids[id] == nil {
			return id
		}
	}
}

func (r *Router) leave(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids[c.identity] == c {
		delete(r.ids, c.identity)
	}
}
