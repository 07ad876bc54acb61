package backend

import (
	"context"
	"errors"
	"sync"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
)

// lister encodes and sends listings of the queue. A client that asks again
// before it was answered gets one answer, the later one.
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
	r.listing.Do(p, func(m *wire.BackendGetQueue) {
		frame, err = wire.NewDialect(r.gen, l.limits).Append(frame, m)
	})
	l.size = len(frame)
	if err == nil {
		err = l.router.Send(p, frame)
	}
	if err != nil && !errors.Is(err, wire.ErrNoPeer) {
		l.router.Drop(p, err)
	}
}
