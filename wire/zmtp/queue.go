package zmtp

import (
	"sync"

	"github.com/ingot-grading/ingot/wire"
)

// keepQueue is how long a queue may be for its memory to be used again.
const keepQueue = 4096

// queue holds what waits for one peer. Anybody may put; one writer takes.
type queue struct {
	maxFrames int
	maxBytes  int64
	wake      chan struct{} // of one place: set when something changed for the writer

	mu     sync.Mutex
	frames [][]byte // not yet taken
	count  int      // not yet released: taken or not
	bytes  int64    // of those
	closed bool
}

func newQueue(cfg *Config) *queue {
	return &queue{maxFrames: cfg.QueueMessages, maxBytes: cfg.QueueBytes, wake: make(chan struct{}, 1)}
}

// put queues a frame, or answers ErrQueueFull when one in share of the bounds is
// used up, or ErrNoPeer after close.
func (q *queue) put(frame []byte, share int) error {
	q.mu.Lock()
	n := int64(len(frame))
	switch {
	case q.closed:
		q.mu.Unlock()
		return wire.ErrNoPeer
	case q.count > 0 && (q.count*share >= q.maxFrames || (q.bytes+n)*int64(share) > q.maxBytes):
		q.mu.Unlock()
		return wire.ErrQueueFull
	}
	q.frames = append(q.frames, frame)
	q.count++
	q.bytes += n
	first := len(q.frames) == 1
	q.mu.Unlock()
	if first {
		q.signal()
	}
	return nil
}

// take returns all that waits, in order, and whether no more will come. Spent
// is memory to use again.
func (q *queue) take(spent [][]byte) (frames [][]byte, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cap(spent) > keepQueue {
		spent = nil
	}
	frames, q.frames = q.frames, spent[:0]
	return frames, q.closed
}

// release gives back the room of frames that were taken and written.
func (q *queue) release(count int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count -= count
	q.bytes -= bytes
}

// size returns how many frames wait to be written and how many bytes those are.
func (q *queue) size() (count int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count, q.bytes
}

// close refuses what comes later. What waits is still taken.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
