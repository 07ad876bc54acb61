package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
)

// period is the time between two ticks of the scheduler (PROTOCOL.md 1.4).
const period = time.Second

// Config is what a [Backend] may be told.
type Config struct {
	Sched  sched.Config
	Limits wire.Limits // of one message; zero fields mean their defaults

	// Drain is how long Run goes on for running jobs after it was asked to stop.
	// Zero: it stops at once.
	Drain time.Duration

	Log     *slog.Logger          // nil: no log
	Metrics prometheus.Registerer // nil: no metrics
}

// ErrClosed is the end of Run when a socket is closed under it.
var ErrClosed = errors.New("the socket was closed")

// Backend serves agents and clients until its Run ends.
type Backend struct {
	cfg   Config
	log   *slog.Logger
	state *sched.State
	tell  chan sched.Event
	ask   chan func(*sched.State)
	done  chan struct{} // closed when Run has ended

	// Owned by Run:
	deadline time.Time // of running jobs, once it was asked to stop
	agents   *side
	clients  *side
	later    []sched.Event // came up while effects were carried out
	spelled  spelled
	metrics  *metrics
	recent   recent
	list     *lister
}

// New returns a backend between two sockets. The caller reads their events no
// more, and closes them after Run has returned, which flushes their queues; for how
// long says [Backend.Left].
func New(agents, clients wire.Router, cfg Config) *Backend {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	reg := cfg.Metrics
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	b := &Backend{
		cfg:     cfg,
		log:     cfg.Log,
		state:   sched.New(cfg.Sched),
		tell:    make(chan sched.Event),
		ask:     make(chan func(*sched.State)),
		done:    make(chan struct{}),
		agents:  newSide("agent", agents),
		clients: newSide("client", clients),
		list:    newLister(clients, cfg.Limits),
		metrics: newMetrics(reg),
	}
	reg.MustRegister(newCollector(b))
	return b
}

// Run serves until ctx is done, then refuses new jobs, delivers the results of
// running ones for at most Config.Drain, answers those that are left, and
// returns nil. It returns ErrClosed, wrapped, if a socket is closed before.
func (b *Backend) Run(ctx context.Context) error {
	defer close(b.done)
	listing, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	listed := make(chan struct{})
	go func() {
		defer close(listed)
		b.list.run(listing)
	}()
	defer func() {
		stop(ErrClosed)
		<-listed
	}()

	tick := time.NewTicker(period)
	defer tick.Stop()
	asked, stopping := ctx.Done(), false
	var deadline <-chan time.Time
	for !stopping || b.state.Running() > 0 {
		select {
		case <-asked:
			b.log.Info("stopping", "why", context.Cause(ctx), "running", b.state.Running(), "waiting", b.state.Waiting(), "grace", b.cfg.Drain)
			b.step(sched.Stop{})
			asked, stopping, deadline = nil, true, time.After(b.cfg.Drain)
			b.deadline = time.Now().Add(b.cfg.Drain)
		case <-deadline:
			b.step(sched.Stop{Now: true})
			return nil
		case ev, open := <-b.agents.router.Events():
			if !open {
				return fmt.Errorf("serve agents: %w", ErrClosed)
			}
			b.onAgent(ev)
		case ev, open := <-b.clients.router.Events():
			if !open {
				return fmt.Errorf("serve clients: %w", ErrClosed)
			}
			b.onClient(ev)
		case <-tick.C:
			b.step(sched.Tick{})
		case ev := <-b.tell:
			b.step(ev)
		case f := <-b.ask:
			f(b.state)
		}
	}
	return nil
}

// Left returns how much of Config.Drain is left, for whoever closes the sockets: the
// last results may be long. It may be called when Run has returned.
func (b *Backend) Left() time.Duration { return max(0, time.Until(b.deadline)) }

// Ask calls f inside Run and waits for its return. f must be quick, must not
// change the state, and must not keep it. The error is that of ctx, or ErrClosed
// when Run has ended; then f was not called.
func (b *Backend) Ask(ctx context.Context, f func(*sched.State)) error {
	done := make(chan struct{})
	select {
	case b.ask <- func(s *sched.State) { defer close(done); f(s) }:
		<-done
		return nil
	case <-b.done:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// SetLimits replaces [Config.Limits], for peers that are connected too; listings of
// the queue keep those of the start. Errors are as in Ask.
func (b *Backend) SetLimits(ctx context.Context, limits wire.Limits) error {
	return b.Ask(ctx, func(*sched.State) {
		b.cfg.Limits = limits
		for _, s := range []*side{b.agents, b.clients} {
			for _, p := range s.peers {
				p.dialect.SetLimits(limits)
			}
		}
	})
}

// Tell has Run take in an event of the operator: sched.Drain, sched.Kill or
// sched.Configure. Errors are as in Ask.
func (b *Backend) Tell(ctx context.Context, ev sched.Event) error {
	select {
	case b.tell <- ev:
		return nil
	case <-b.done:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
