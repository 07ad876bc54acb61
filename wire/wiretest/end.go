package wiretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// end is what a Router and a Dealer share.
type end struct {
	cfg    Config
	events chan wire.Event
	ctx    context.Context // ends when Close begins
	stop   context.CancelCauseFunc
	work   sync.WaitGroup // whoever may still hand up events
	once   sync.Once

	mu    sync.Mutex
	sides map[wire.Peer]*side
	last  wire.Peer
}

func newEnd(cfg Config) *end {
	e := &end{cfg: cfg, events: make(chan wire.Event), sides: map[wire.Peer]*side{}}
	e.ctx, e.stop = context.WithCancelCause(context.Background())
	return e
}

// Events is as [wire.Router] says.
func (e *end) Events() <-chan wire.Event { return e.events }

// Send is as [wire.Router] says.
func (e *end) Send(p wire.Peer, frame []byte) error { return e.enqueue(p, frame, 1) }

// Offer is as [wire.Router] says.
func (e *end) Offer(p wire.Peer, frame []byte) error { return e.enqueue(p, frame, wire.OfferShare) }

func (e *end) enqueue(p wire.Peer, frame []byte, share int) error {
	s := e.side(p)
	if s == nil {
		return wire.ErrNoPeer
	}
	return s.put(frame, share)
}

var errDropped = errors.New("dropped")

// Drop is as [wire.Router] says.
func (e *end) Drop(p wire.Peer, cause error) {
	if cause == nil {
		cause = errDropped
	}
	if s := e.side(p); s != nil {
		s.end(cause, syscall.ECONNRESET)
	}
}

// Release is as [wire.Router] says. It overwrites the frame, so that whoever
// still looks at it finds nothing good.
func (*end) Release(frame []byte) {
	for i := range frame {
		frame[i] = 0xc1 // what msgpack never uses
	}
}

func (e *end) side(p wire.Peer) *side {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sides[p]
}

// add gives s a name of its own, unless this end is closed. The caller holds e.mu.
func (e *end) add(s *side) bool {
	if e.ctx.Err() != nil {
		return false
	}
	e.last++
	s.peer = e.last
	e.sides[s.peer] = s
	return true
}

// serve hands up what s receives until it ends. It returns how many messages
// there were.
func (e *end) serve(s *side) (count int) {
	defer close(s.gone)
	if e.hand(s, wire.Event{Kind: wire.PeerUp, Peer: s.peer, RoutingID: s.id, Addr: s.addr}) {
		defer func() { e.events <- wire.Event{Kind: wire.PeerDown, Peer: s.peer, Err: context.Cause(s.ctx)} }()
	}
	defer func() {
		e.mu.Lock()
		delete(e.sides, s.peer)
		e.mu.Unlock()
	}()
	for {
		frame, ok := s.next()
		if !ok {
			return count
		}
		ev, err := e.message(frame)
		if err != nil {
			s.end(err, syscall.ECONNRESET)
			return count
		}
		ev.Peer = s.peer
		e.hand(s, ev)
		count++
	}
}

// message returns what is handed up for a frame.
func (e *end) message(frame []byte) (wire.Event, error) {
	if len(frame) <= e.cfg.MaxMessage {
		return wire.Event{Kind: wire.PeerMessage, Frame: frame}, nil
	}
	m, err := wire.Skim(bytes.NewReader(frame))
	if err != nil {
		return wire.Event{}, fmt.Errorf("message of %d bytes: %w: %w", len(frame), ErrTooLarge, err)
	}
	return wire.Event{Kind: wire.PeerExcess, Excess: m}, nil
}

// hand hands an event up, unless the connection or this end is over first.
func (e *end) hand(s *side, ev wire.Event) bool {
	select {
	case e.events <- ev:
		return true
	case <-s.ctx.Done():
	case <-e.ctx.Done():
	}
	return false
}

// shut ends everything, once. With linger, what is queued is flushed for so long.
func (e *end) shut(linger time.Duration) {
	e.once.Do(func() {
		e.mu.Lock()
		e.stop(ErrClosed)
		var live []*side
		for _, s := range e.sides {
			live = append(live, s)
		}
		e.mu.Unlock()
		if linger > 0 {
			flush(live, linger)
		}
		for _, s := range live {
			s.end(ErrClosed, syscall.ECONNRESET)
		}
		go func() {
			e.work.Wait()
			close(e.events)
		}()
	})
}

// flush waits until the others have taken what was put for them.
func flush(live []*side, linger time.Duration) {
	limit := time.NewTimer(linger)
	defer limit.Stop()
	for _, s := range live {
		s.finish()
	}
	for _, s := range live {
		select {
		case <-s.ctx.Done():
		case <-limit.C:
			return
		}
	}
}
