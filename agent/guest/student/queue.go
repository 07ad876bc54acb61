package student

import "sync"

// maxInput bounds the input that waits for the command, in bytes: grading
// containers send as much that take no part in flow control. Signals then wait, too.
const maxInput = 32 << 20

// queue holds input that the command has not taken.
type queue struct {
	mu     sync.Mutex
	moved  *sync.Cond // any of the following
	blocks [][]byte
	size   int
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.moved = sync.NewCond(&q.mu)
	return q
}

// put adds a block, which the queue keeps, once there is room.
func (q *queue) put(b []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.size >= maxInput {
		q.moved.Wait()
	}
	q.blocks, q.size = append(q.blocks, b), q.size+len(b)
	q.moved.Broadcast()
}

// take waits for the next block. False: there will be none.
func (q *queue) take() ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.blocks) == 0 && !q.closed {
		q.moved.Wait()
	}
	if len(q.blocks) == 0 {
		return nil, false
	}
	b := q.blocks[0]
	q.blocks, q.size = q.blocks[1:], q.size-len(b)
	q.moved.Broadcast()
	return b, true
}

// close says that nothing more will be put.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.moved.Broadcast()
}
