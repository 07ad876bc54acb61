package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Run serves the backend at the other side of end until ctx ends, then stops
// its jobs (after [Config.Drain]), queues their results and waits for
// [Executor.Close], as it does with an error if end is closed before. It returns
// nil after an orderly stop. It does not close end: what it queued last is still
// to be flushed by the owner.
//
// End's queue should have no bound. After an outage all results are sent at once,
// and a queue that is full ends the connection, each time anew. They are in memory
// anyway, and of the rest there is little: a backend that says nothing is given up.
//
// Each job accepted gets exactly one result, also when the executor panics or
// does not end what it was told to, when the connection breaks in between, and when
// the agent is told to stop.
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
	tick := time.NewTicker(min(cfg.Silence/4, beat))
	defer tick.Stop()
	err := s.serve(ctx, tick.C)
	if err != nil {
		s.abandon(err)
	} else {
		s.stop(end.Events(), tick.C)
	}
	tidy, done := context.WithTimeoutCause(s.base, closeTimeout, errSlowClose)
	defer done()
	if e := exec.Close(tidy); e != nil {
		err = errors.Join(err, fmt.Errorf("agent: close executor: %w", e))
	}
	return err
}

// session is the state of a running agent. The goroutine of Run owns all of it.
type session struct {
	cfg     Config
	log     *slog.Logger
	end     wire.Dealer
	exec    Executor
	dialect *wire.Dialect
	base    context.Context // outlives the signal to stop; parent of all jobs

	peer    wire.Peer             // the connection to the backend; 0 while there is none
	ours    bool                  // and the backend is of this project
	heard   time.Time             // of the last message on it
	took    int64                 // bytes that it was given
	jobs    map[string]*running   // by id
	hung    int                   // jobs that were answered for, and still have a slot
	backlog []*wire.BackendNewJob // came on it while there was no slot for them
	out     outbox
	stale   bool          // the environments changed and the backend has not been told
	work    chan *running // to workers without any
	ended   chan outcome
	ssh     chan sshCall
	closed  bool // stopping: no new jobs
}

// serve is the loop of a working agent. It ends when ctx does.
func (s *session) serve(ctx context.Context, tick <-chan time.Time) error {
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
		case now := <-tick:
			s.onTick(now)
		}
	}
}

// beat is the most time between two ticks.
const beat = 2 * time.Second

// onTick looks for what did not happen.
func (s *session) onTick(now time.Time) {
	s.checkSilence(now)
	s.answerHung(now)
	s.settle()
}

// outage is how long the agent at least waits, after its last result, for a connection
// to hand it in on.
const outage = 5 * time.Second

// stop ends what runs and serves the wire until the last result has reached the
// backend's machine; where it does not, until there could have been another connection.
// That is looked for at each tick, and when the backend says something. One of ours is
// told to send no more jobs. A Python one cannot be told: it would take the hello
// for a restart. What it goes on to send is answered at the end, so that at most the
// slots are filled with jobs that are refused.
func (s *session) stop(events <-chan wire.Event, tick <-chan time.Time) {
	s.closed = true
	if s.ours {
		s.hello()
	}
	s.log.Info("agent stopping", "jobs", s.taken(), "drain", s.cfg.Drain)
	patience := max(s.cfg.Drain, outage)
	drained, alone, until := time.NewTimer(s.cfg.Drain), time.NewTimer(patience), time.Now().Add(patience)
	defer drained.Stop()
	defer alone.Stop()
	for late := false; s.taken() > 0 || s.out.waits() && !late && events != nil; {
		select {
		case ev, ok := <-events:
			if !ok {
				events = nil // results can no longer be sent, but jobs still end
				continue
			}
			s.onWire(ev)
			s.settle()
		case o := <-s.ended:
			s.finish(o)
			if t := time.Now().Add(outage); t.After(until) {
				until, late = t, false
				alone.Reset(outage)
			}
		case call := <-s.ssh:
			call.answer <- s.open(call)
		case now := <-tick:
			s.onTick(now)
		case <-drained.C:
			for _, r := range s.jobs {
				r.end(ErrStopping)
			}
		case <-alone.C:
			late = true
		}
	}
	if s.ours {
		return // it gives the backlog to others
	}
	for _, m := range s.backlog {
		job := newJob(m)
		s.deliver(job, Failed(job, "crash", TextStopping))
	}
}

// abandon ends what runs after the wire failed for good. Nobody can be told.
func (s *session) abandon(cause error) {
	for _, r := range s.jobs {
		r.cancel(cause)
	}
	for s.taken() > 0 {
		select {
		case o := <-s.ended:
			s.leave(o.running)
		case call := <-s.ssh:
			call.answer <- errNoSSH
		}
	}
}
