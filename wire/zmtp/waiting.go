package zmtp

import (
	"container/list"
	"net"
	"sync"
)

// waiting holds the connections that are in their handshake, oldest first. A
// peer needs milliseconds for it; when there are too many, the oldest is the
// least likely to be one.
type waiting struct {
	max int

	mu     sync.Mutex
	order  *list.List // of net.Conn
	places map[net.Conn]*list.Element
	closed bool
}

func newWaiting(limit int) *waiting {
	return &waiting{max: limit, order: list.New(), places: map[net.Conn]*list.Element{}}
}

// add adds nc and closes the oldest connection if there are too many. It is not
// ok after closeAll.
func (w *waiting) add(nc net.Conn) (evicted, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false, false
	}
	if w.order.Len() >= w.max {
		w.close(w.order.Front())
		evicted = true
	}
	w.places[nc] = w.order.PushBack(nc)
	return evicted, true
}

// remove takes nc out and returns whether it was still in: otherwise it is closed.
func (w *waiting) remove(nc net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, in := w.places[nc]
	if in {
		w.order.Remove(e)
		delete(w.places, nc)
	}
	return in
}

// closeAll closes every connection that is in, and later ones.
func (w *waiting) closeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for w.order.Len() > 0 {
		w.close(w.order.Front())
	}
}

func (w *waiting) close(e *list.Element) {
	nc := w.order.Remove(e).(net.Conn)
	delete(w.places, nc)
	hardClose(nc)
}

func (w *waiting) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.order.Len()
}
