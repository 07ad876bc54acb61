package zmtp

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// end is what a Router and a Dealer share: the live connections and the one
// channel of events.
type end struct {
	cfg     Config
	events  chan wire.Event
	ctx     context.Context // ends when Close begins
	stop    context.CancelCauseFunc
	work    sync.WaitGroup // whoever may still hand up events
	spare   spare
	longest atomic.Int64 // bytes of a received message, see SetMaxMessage

	mu    sync.RWMutex
	conns map[wire.Peer]*conn
	last  wire.Peer
}

// eventsAhead is how many events may wait for the owner. A few save most of the
// switches between goroutines; each may hold a message, so they are not many.
const eventsAhead = 16

func newEnd(cfg Config) *end {
	e := &end{cfg: cfg, events: make(chan wire.Event, eventsAhead), conns: map[wire.Peer]*conn{}}
	e.longest.Store(cfg.MaxMessage)
	e.ctx, e.stop = context.WithCancelCause(context.Background())
	return e
}

// SetMaxMessage replaces [Config.MaxMessage]; zero means its default. It holds for
// messages that begin to arrive after the next one, on connections that are up too.
func (e *end) SetMaxMessage(n int64) { e.longest.Store(or(n, defaultMaxMessage)) }

// Events is as [wire.Router] says. While nobody reads it, each peer is read one
// message ahead, and sixteen more in all.
func (e *end) Events() <-chan wire.Event { return e.events }

// Send is as [wire.Router] says.
func (e *end) Send(p wire.Peer, frame []byte) error { return e.enqueue(p, frame, 1) }

// Offer is as [wire.Router] says.
func (e *end) Offer(p wire.Peer, frame []byte) error { return e.enqueue(p, frame, wire.OfferShare) }

func (e *end) enqueue(p wire.Peer, frame []byte, share int) error {
	e.mu.RLock()
	c := e.conns[p]
	e.mu.RUnlock()
	if c == nil || c.ctx.Err() != nil {
		return wire.ErrNoPeer
	}
	return c.queue.put(frame, share)
}

// Drop is as [wire.Router] says. It does not wait: messages that were received
// before may still be handed up.
func (e *end) Drop(p wire.Peer, cause error) {
	e.mu.RLock()
	c := e.conns[p]
	e.mu.RUnlock()
	if c != nil {
		if cause == nil {
			cause = errDropped
		}
		c.cancel(cause)
	}
}

// Release is as [wire.Router] says. It does nothing for frames of less than 64 KiB.
func (e *end) Release(frame []byte) { e.spare.put(frame) }

var errDropped = errors.New("dropped")

// add makes nc a connection, unless this end is closed. The caller holds e.mu.
func (e *end) add(nc net.Conn, h hello, addr string) (*conn, error) {
	if e.ctx.Err() != nil {
		return nil, ErrClosed
	}
	e.last++
	c := newConn(nc, h, e.last, addr, &e.cfg)
	e.conns[c.peer] = c
	return c, nil
}

// serve hands up what c receives until it ends. It returns how many messages
// there were.
func (e *end) serve(c *conn) (count int) {
	defer close(c.gone)
	e.work.Go(c.writes)
	// The first message is read while PeerUp waits for the owner, so that a peer
	// that has gone meanwhile is noticed, and one that pings is answered.
	up := make(chan bool, 1)
	var told atomic.Bool
	e.work.Go(func() {
		ok := e.hand(c, wire.Event{Kind: wire.PeerUp, Peer: c.peer, RoutingID: c.identity, Addr: c.addr})
		told.Store(ok)
		up <- ok
	})
	m := newMessages(c, &e.cfg, &e.spare, c.pinged)
	m.alive = func() {
		if told.Load() {
			e.hand(c, wire.Event{Kind: wire.PeerAlive, Peer: c.peer})
		}
	}
	ev, err := m.next()
	if err != nil {
		c.cancel(err)
	}
	if <-up {
		// Whoever was told of a PeerUp waits for the PeerDown: it is never left out.
		defer func() { e.events <- wire.Event{Kind: wire.PeerDown, Peer: c.peer, Err: context.Cause(c.ctx)} }()
	}
	defer hardClose(c.net) // what cancel began is done before PeerDown says so
	defer e.forget(c)
	for ; err == nil; ev, err = m.next() {
		ev.Peer = c.peer
		e.hand(c, ev)
		count++
		m.maxSize = e.longest.Load()
	}
	c.cancel(err)
	return count
}

func (e *end) forget(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c.peer)
}

// hand hands an event up, unless the connection or this end is over first.
func (e *end) hand(c *conn, ev wire.Event) bool {
	select { // alone, this is far cheaper than the one below
	case e.events <- ev:
		return true
	default:
	}
	select {
	case e.events <- ev:
		return true
	case <-c.ctx.Done():
	case <-e.ctx.Done():
	}
	return false
}

// close ends everything. It flushes what is queued for at most linger.
// Messages that arrive meanwhile may not be handed up. Events is closed when its
// reader has taken the last PeerDown.
func (e *end) close(linger time.Duration) {
	e.mu.Lock()
	e.stop(ErrClosed)
	live := make([]*conn, 0, len(e.conns))
	for _, c := range e.conns {
		live = append(live, c)
	}
	e.mu.Unlock()

	limit := time.NewTimer(max(linger, 0))
	defer limit.Stop()
	for _, c := range live {
		c.finish()
	}
	for _, c := range live {
		select {
		case <-c.ctx.Done():
			continue
		case <-limit.C:
		}
		break
	}
	for _, c := range live {
		c.cancel(ErrClosed)
	}
}
