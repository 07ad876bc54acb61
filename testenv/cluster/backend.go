package cluster

import (
	"context"
	"errors"
	"sync/atomic"
	"testing/synctest"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// Addresses of the backend.
const (
	agentsAddr  = "agents"
	clientsAddr = "clients"
)

// Why processes end.
var (
	errTerminated = errors.New("SIGTERM")
	errKilled     = errors.New("SIGKILL")
)

// backendProcess is one life of the backend.
type backendProcess struct {
	agents, clients *wiretest.Router
	stop            context.CancelCauseFunc
	dead            atomic.Bool // killed: says nothing more
	before          hook
	over            chan struct{} // closed when it has ended
}

// StartBackend starts a backend that knows nothing of earlier ones.
func (c *Cluster) StartBackend() {
	p := &backendProcess{over: make(chan struct{})}
	var err, err2 error
	p.agents, err = c.net.Listen(agentsAddr)
	p.clients, err2 = c.net.Listen(clientsAddr)
	if err := errors.Join(err, err2); err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	p.stop, c.backend = stop, p
	b := backend.New(spoken{p.agents, p}, spoken{p.clients, p}, c.set.backend)
	go func() {
		defer close(p.over)
		if err := b.Run(ctx); err != nil && !p.dead.Load() {
			c.t.Errorf("the backend ended with %v", err)
		}
		p.agents.Close()
		p.clients.Close()
		drain(p.agents)
		drain(p.clients)
	}()
}

// KillBackend ends the backend as kill -9 does and returns when everybody has
// seen that.
func (c *Cluster) KillBackend() {
	c.backend.kill()
	c.awaitEnd()
}

// StopBackend ends the backend as SIGTERM does and returns when everybody has
// seen that.
func (c *Cluster) StopBackend() {
	c.backend.stop(errTerminated)
	c.awaitEnd()
}

func (c *Cluster) awaitEnd() {
	<-c.backend.over
	synctest.Wait()
}

// RestartBackend kills the backend and starts another.
func (c *Cluster) RestartBackend() {
	c.KillBackend()
	c.StartBackend()
}

// KillBackendAt kills the backend in place of its n-th message from now on,
// counted from 0. RestartBackend or StartBackend starts the next one.
func (c *Cluster) KillBackendAt(n int) { c.backend.before.set(n, c.backend.kill) }

// BackendKilled reports whether the backend was killed.
func (c *Cluster) BackendKilled() bool { return c.backend.dead.Load() }

func (p *backendProcess) kill() {
	p.dead.Store(true)
	p.stop(errKilled)
	p.agents.Kill()
	p.clients.Kill()
}

// spoken is a Router of a backend that may be killed in the middle of its work.
type spoken struct {
	*wiretest.Router
	process *backendProcess
}

func (s spoken) Send(p wire.Peer, frame []byte) error {
	if s.process.before.fires() || s.process.dead.Load() {
		return wire.ErrNoPeer
	}
	return s.Router.Send(p, frame)
}

// hook calls a function at the n-th of something, once.
type hook struct{ armed atomic.Pointer[trap] }

type trap struct {
	left atomic.Int64
	do   func()
}

func (h *hook) set(n int, do func()) {
	t := &trap{do: do}
	t.left.Store(int64(n))
	h.armed.Store(t)
}

// fires counts, and reports whether this was the n-th.
func (h *hook) fires() bool {
	t := h.armed.Load()
	if t == nil || t.left.Add(-1) != -1 {
		return false
	}
	t.do()
	return true
}

// drain reads the events of an end until it is closed, as its owner must.
func drain(end interface{ Events() <-chan wire.Event }) {
	for range end.Events() {
	}
}
