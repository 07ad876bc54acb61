package wiretest

import (
	"bytes"
	"context"
	"io"
	"sync"
	"syscall"

	"github.com/ingot-grading/ingot/wire"
)

// link is one connection in memory: two sides that put frames into each other.
type link struct {
	mu      sync.Mutex
	stalled bool
	torn    bool          // one side cannot know how the other fares
	changed chan struct{} // closed and replaced whenever a side should look again
}

// side is one end's view of a link.
type side struct {
	link  *link
	other *side
	peer  wire.Peer
	id    string // the other's routing id
	addr  string
	limit int

	inbox  [][]byte // guarded by link.mu
	closed bool     // the other sends no more; guarded by link.mu

	ctx    context.Context // ends with the connection, its cause is why
	cancel context.CancelCauseFunc
	gone   chan struct{} // closed when the end was handed up
}

// newLink returns the two sides of a new connection, each with its limit of what
// may wait for the other.
func newLink(limit, others int) (*side, *side) {
	l := &link{changed: make(chan struct{})}
	a := &side{link: l, limit: limit, gone: make(chan struct{})}
	b := &side{link: l, limit: others, gone: make(chan struct{}), other: a}
	a.other = b
	a.ctx, a.cancel = context.WithCancelCause(context.Background())
	b.ctx, b.cancel = context.WithCancelCause(context.Background())
	return a, b
}

// end ends both sides, each with its own cause. While the link is torn the other
// side stays up, as what would end it does not get through.
func (s *side) end(mine, others error) {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.cancel(mine)
	if !s.link.torn {
		s.other.cancel(others)
	}
}

// silent ends both sides, as each has heard nothing for too long.
func (s *side) silent() {
	s.cancel(ErrSilent)
	s.other.cancel(ErrSilent)
}

// tear takes the network between the sides away, or gives it back. Then a side
// that is alone is answered with a reset.
func (s *side) tear(on bool) {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.link.torn = on
	if !on && (s.ctx.Err() != nil || s.other.ctx.Err() != nil) {
		s.cancel(syscall.ECONNRESET)
		s.other.cancel(syscall.ECONNRESET)
	}
}

// put queues a frame for the other side, unless one in share of the limit is used up.
func (s *side) put(frame []byte, share int) error {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	switch {
	case s.ctx.Err() != nil, s.other.closed:
		return wire.ErrNoPeer
	case len(s.other.inbox) > 0 && len(s.other.inbox)*share >= s.limit:
		return wire.ErrQueueFull
	}
	s.other.inbox = append(s.other.inbox, bytes.Clone(frame))
	s.link.wake()
	return nil
}

// queued is how many bytes wait for the other side.
func (s *side) queued() (n int64) {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	for _, frame := range s.other.inbox {
		n += int64(len(frame))
	}
	return n
}

// finish says that no more will be put. The other side ends the connection when
// it has taken what waits.
func (s *side) finish() {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.other.closed = true
	s.link.wake()
}

// stall stops or restarts what moves in both directions.
func (l *link) stall(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled = on
	l.wake()
}

// wake makes both sides look again. The caller holds l.mu.
func (l *link) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// next returns the next frame put by the other side. It is false when the
// connection is over.
func (s *side) next() ([]byte, bool) {
	for {
		frame, wait := s.look()
		if wait == nil {
			return frame, s.ctx.Err() == nil
		}
		select {
		case <-wait:
		case <-s.ctx.Done():
			return nil, false
		}
	}
}

// look takes a frame, or returns what to wait for.
func (s *side) look() (frame []byte, wait <-chan struct{}) {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	switch {
	case s.link.stalled:
		return nil, s.link.changed
	case len(s.inbox) > 0:
		frame, s.inbox = s.inbox[0], s.inbox[1:]
		return frame, nil
	case s.closed:
		s.cancel(io.EOF)
		s.other.cancel(io.EOF)
		return nil, nil
	}
	return nil, s.link.changed
}
