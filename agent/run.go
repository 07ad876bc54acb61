package agent

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Run serves the backend at the other side of end until ctx ends, then stops
// its jobs (after [Config.Drain]), queues their results and waits for
// [Executor.Close]. It returns nil after an orderly stop. It does not close
// end: what it queued last is still to be flushed by the owner.
//
// Each job accepted gets exactly one result, also when the executor panics,
// when the connection breaks in between, and when the agent is told to stop.
func Run(ctx context.Context, cfg Config, end wire.Dealer, exec Executor) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	s := &session{
		cfg:     cfg,
		log:     cfg.Log,
		end:     end,
		exec:    exec,
		dialect: wire.NewDialect(cfg.Wire, cfg.Limits),
		jobs:    map[string]*running{},
		work:    make(chan *running),
		ended:   make(chan outcome),
		ssh:     make(chan sshCall),
		base:    context.WithoutCancel(ctx),
	}
	defer close(s.work)
	if err := s.serve(ctx); err != nil {
		s.abandon(err)
		return err
	}
	s.stop(end.Events())
	tidy, done := context.WithTimeoutCause(s.base, closeTimeout, errSlowClose)
	defer done()
	if err := exec.Close(tidy); err != nil {
		return fmt.Errorf("agent: close executor: %w", err)
	}
	return nil
}

// session is the state of a running agent. The goroutine of Run owns all of it.
type session struct {
	cfg     Config
	log     *slog.Logger
	end     wire.Dealer
	exec    Executor
	dialect *wire.Dialect
	base    context.Context // outlives the signal to stop; parent of all jobs

	peer    wire.Peer // the connection to the backend; 0 while there is none
	ours    bool      // and the backend is of this project
	heard   time.Time // of the last message on it
	jobs    map[string]*running
	backlog []*wire.BackendNewJob // came on it while there was no slot for them
	out     outbox
	stale   bool          // the environments changed and the backend has not been told
	work    chan *running // to workers without any
	ended   chan outcome
	ssh     chan sshCall
	closed  bool // stopping: no new jobs
}

// serve is the loop of a working agent. It ends when ctx does.
func (s *session) serve(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Silence / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case ev, ok := <-s.end.Events():
			if !ok {
				return errEndClosed
			}
			s.onWire(ev)
		case o := <-s.ended:
			s.finish(o)
		case call := <-s.ssh:
			call.answer <- s.open(call)
		case <-s.exec.Changed():
			s.stale = true
			s.reannounce()
		case now := <-tick.C:
			s.checkSilence(now)
			s.flush()
		}
	}
}

// stop ends what runs and serves the wire until the last result is queued. A
// backend of ours is told to send no more jobs. A Python one cannot be told: it
// would take the hello for a restart. What it goes on to send is answered at the
// end, so that at most the slots are filled with jobs that are refused.
func (s *session) stop(events <-chan wire.Event) {
	s.closed = true
	if s.ours {
		s.hello()
	}
	s.log.Info("agent stopping", "jobs", len(s.jobs), "drain", s.cfg.Drain)
	drained := time.NewTimer(s.cfg.Drain)
	defer drained.Stop()
	for len(s.jobs) > 0 {
		select {
		case ev, ok := <-events:
			if !ok {
				events = nil // results can no longer be sent, but jobs still end
				continue
			}
			s.onWire(ev)
		case o := <-s.ended:
			s.finish(o)
		case call := <-s.ssh:
			call.answer <- s.open(call)
		case <-drained.C:
			for _, r := range s.jobs {
				r.cancel(ErrStopping)
			}
		}
	}
	if s.ours {
		return // it gives the backlog to others
	}
	for _, m := range s.backlog {
		job := newJob(m)
		s.deliver(job, Failed(job, "crash", textStopping))
	}
}

// abandon ends what runs after the wire failed for good. Nobody can be told.
func (s *session) abandon(cause error) {
	for _, r := range s.jobs {
		r.cancel(cause)
	}
	for len(s.jobs) > 0 {
		select {
		case o := <-s.ended:
			delete(s.jobs, o.job.JobID)
		case call := <-s.ssh:
			call.answer <- errNoSSH
		}
	}
}
