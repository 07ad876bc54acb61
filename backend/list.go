package backend

import (
	"context"
	"errors"
	"sync"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
)

// lister encodes and sends listings of the queue. A client that asks again
// before it was answered gets one answer, the later one. One for which much waits
// already gets none: the results that wait are worth more, and it will ask again.
type lister struct {
	router wire.Router
	limits wire.Limits
	wake   chan struct{} // holds one token while asked may have entries
	size   int           // of the last listing, as a guess at the next

	mu    sync.Mutex
	asked map[wire.Peer]request
}

type request struct {
	gen     wire.Generation
	listing *sched.Listing
}

func newLister(r wire.Router, lim wire.Limits) *lister {
	return &lister{router: r, limits: lim, wake: make(chan struct{}, 1), asked: map[wire.Peer]request{}}
}

// add asks for a listing to be sent to p.
func (l *lister) add(p wire.Peer, gen wire.Generation, listing *sched.Listing) {
	l.mu.Lock()
	l.asked[p] = request{gen, listing}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run sends listings until ctx is done.
func (l *lister) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		for p, r := range l.take() {
			l.send(p, r)
		}
	}
}

func (l *lister) take() map[wire.Peer]request {
	l.mu.Lock()
	defer l.mu.Unlock()
	asked := l.asked
	l.asked = map[wire.Peer]request{}
	return asked
}

func (l *lister) send(p wire.Peer, r request) {
	frame := make([]byte, 0, l.size+l.size/8)
	var err error
	r.listing.Do(p, func(m *wire.BackendGetQueue) { frame, err = l.spell(frame, r.gen, *m) })
	l.size = len(frame)
	if err == nil {
		put := l.router.Offer
		if r.gen <= wire.G6 { // it asks for no other before it has this one (PROTOCOL.md 1.4)
			put = l.router.Send
		}
		err = put(p, frame)
	}
	if err != nil && !errors.Is(err, wire.ErrNoPeer) && !errors.Is(err, wire.ErrQueueFull) {
		l.router.Drop(p, err)
	}
}

// spell appends m to frame. Of a listing over the limit the end is left out: a
// client must not lose its connection because others have many jobs.
func (l *lister) spell(frame []byte, gen wire.Generation, m wire.BackendGetQueue) ([]byte, error) {
	for dialect := wire.NewDialect(gen, l.limits); ; {
		longer, err := dialect.Append(frame, &m)
		switch {
		case !errors.Is(err, wire.ErrLimit):
			return longer, err
		case len(m.Waiting) > 0:
			m.Waiting = m.Waiting[:len(m.Waiting)/2]
		case len(m.Running) > 0:
			m.Running = m.Running[:len(m.Running)/2]
		default:
			return longer, err
		}
	}
}
