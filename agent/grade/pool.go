package grade

import (
	"context"
	"slices"
	"sync"
)

// pool is the memory, in bytes, that the jobs of an agent may use together. Jobs
// wait for theirs, the first the first; what belongs to a running job never
// waits, so that no job waits for one that waits for it.
type pool struct {
	mu    sync.Mutex
	size  int64
	used  int64 // more than size if running jobs had to have more
	queue []*claim
}

type claim struct {
	n       int64
	granted chan struct{}
}

// acquire reserves n, which is not more than the pool's size, or returns the
// cause of ctx, which ended first.
func (p *pool) acquire(ctx context.Context, n int64) error {
	p.mu.Lock()
	if len(p.queue) == 0 && p.used+n <= p.size {
		p.used += n
		p.mu.Unlock()
		return nil
	}
	c := &claim{n, make(chan struct{})}
	p.queue = append(p.queue, c)
	p.mu.Unlock()
	select {
	case <-c.granted:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, c); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	} else {
		p.used -= n // granted in the same moment
	}
	p.grant()
	return context.Cause(ctx)
}

// take reserves n at once, over the pool's size if need be.
func (p *pool) take(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used += n
}

// release gives back n.
func (p *pool) release(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used -= n
	p.grant()
}

// grant lets in whoever is first and fits. p.mu is held.
func (p *pool) grant() {
	for len(p.queue) > 0 && p.used+p.queue[0].n <= p.size {
		p.used += p.queue[0].n
		close(p.queue[0].granted)
		p.queue = p.queue[1:]
	}
}

// state is how much is reserved and how many jobs wait.
func (p *pool) state() (used int64, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used, len(p.queue)
}
