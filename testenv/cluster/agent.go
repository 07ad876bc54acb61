package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// Work is what a job does. It ends soon after ctx, whose cause says why it
// should.
type Work func(ctx context.Context, job agent.Job) wire.Result

// Sleep is a job that takes d and succeeds.
func Sleep(d time.Duration) Work {
	return func(ctx context.Context, job agent.Job) wire.Result {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return wire.Result{Status: "success", Grade: 100}
		case <-ctx.Done():
		}
		cause := context.Cause(ctx)
		if errors.Is(cause, agent.ErrKilled) {
			return agent.Failed(job, "killed", "")
		}
		return agent.Failed(job, "crash", cause.Error())
	}
}

// Agent is one process of an agent.
type Agent struct {
	Name string

	identity string
	cluster  *Cluster
	dealer   *wiretest.Dealer
	stop     context.CancelCauseFunc // as SIGTERM
	life     context.Context         // ends with the process
	die      context.CancelCauseFunc
	dead     atomic.Bool // killed: says nothing more
	before   hook
	cuts     atomic.Int64
	over     chan struct{} // closed when it has ended
}

// StartAgent starts a process of an agent. It knows nothing of an earlier one of
// that name, which whoever started it has to end.
func (c *Cluster) StartAgent(name string) *Agent {
	c.lives++
	return c.start(name, fmt.Sprint(wire.IdentityPrefix, name, "-", c.lives))
}

// StartTwin starts a process called name with the identity of another, as when a
// machine is copied while it runs. Each takes the connection from the other, so
// that both are in reach now and then, and a job may run at both.
func (c *Cluster) StartTwin(name string, of *Agent) *Agent {
	a := c.start(name, of.identity)
	c.book.twins(of, a)
	return a
}

func (c *Cluster) start(name, identity string) *Agent {
	ctx, stop := context.WithCancelCause(context.Background())
	life, die := context.WithCancelCause(context.Background())
	a := &Agent{
		Name: name, identity: identity, cluster: c, stop: stop, life: life, die: die, over: make(chan struct{}),
		dealer: c.net.Dial(agentsAddr, identity),
	}
	c.agents[name] = a
	cfg := agent.Config{FriendlyName: name, Slots: c.set.slots, Drain: c.set.drain, Log: c.log.With("process", name)}
	go func() {
		defer close(a.over)
		if err := agent.Run(ctx, cfg, heard{a.dealer, a}, executor{a}); err != nil && !a.dead.Load() {
			c.t.Errorf("agent %s ended with %v", name, err)
		}
		a.dealer.Close()
		drain(a.dealer)
		a.gone()
	}()
	return a
}

// Kill ends the process as kill -9 does and returns when nothing of it is left.
func (a *Agent) Kill() {
	a.kill()
	<-a.over
}

func (a *Agent) kill() {
	a.dead.Store(true)
	a.gone()
	a.dealer.Kill()
}

// gone ends the life of the process and of its jobs.
func (a *Agent) gone() {
	a.die(errKilled)
	a.cluster.book.died(a)
}

// Stop asks the process to end, as SIGTERM does. Wait waits until it has.
func (a *Agent) Stop() { a.stop(errTerminated) }

// Wait returns when the process has ended, which somebody has to have asked for.
func (a *Agent) Wait() { <-a.over }

// Killed reports whether the process was killed.
func (a *Agent) Killed() bool { return a.dead.Load() }

// Cut breaks the connection to the backend. The agent makes another at once.
func (a *Agent) Cut() {
	a.cuts.Add(1)
	a.cluster.book.outage(a, true)
	a.dealer.Cut()
	a.cluster.book.outage(a, false)
}

// Cuts returns how often the connection was cut.
func (a *Agent) Cuts() int { return int(a.cuts.Load()) }

// Partition takes the network between agent and backend away, or gives it back.
func (a *Agent) Partition(on bool) {
	a.cluster.book.outage(a, on)
	a.dealer.Partition(on)
}

// Stall makes the connection move nothing in either direction while it stays
// up, also after it was made anew; or ends that.
func (a *Agent) Stall(on bool) {
	a.cluster.book.outage(a, on)
	a.dealer.Stall(on)
}

// CutAt breaks the connection in place of the process's n-th message from now
// on, counted from 0.
func (a *Agent) CutAt(n int) { a.before.set(n, a.Cut) }

// KillAt kills the process in place of its n-th message from now on, counted from 0.
func (a *Agent) KillAt(n int) { a.before.set(n, a.kill) }

// heard is the Dealer of an agent that may break in the middle of its work.
type heard struct {
	*wiretest.Dealer
	agent *Agent
}

func (h heard) Send(p wire.Peer, frame []byte) error {
	if h.agent.before.fires() || h.agent.dead.Load() {
		return wire.ErrNoPeer
	}
	return h.Dealer.Send(p, frame)
}

// environment is what all agents have.
var environment = wire.Environment{Type: "docker", Name: "default", ID: "sha256:1", Ports: []int64{}, Advertised: true}

// executor runs the work that the book has for a job.
type executor struct{ agent *Agent }

func (executor) Environments() []wire.Environment { return []wire.Environment{environment} }
func (executor) Changed() <-chan struct{}         { return nil }
func (executor) Close(context.Context) error      { return nil }

func (e executor) Run(ctx context.Context, job agent.Job, _ agent.Uplink) wire.Result {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(e.agent.life, func() { cancel(errKilled) })()
	book := e.agent.cluster.book
	work := book.begin(e.agent, job.JobID)
	defer book.end(e.agent, job.JobID)
	return work(ctx, job)
}
