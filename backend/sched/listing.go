package sched

import (
	"cmp"
	"slices"
	"sync"

	"github.com/ingot-grading/ingot/wire"
)

// Listing is the queue at one moment. It is cheap to make: sorting and spelling
// it out happen in For, which may run in another goroutine than the State's.
type Listing struct {
	waiting []entry
	running []runningEntry

	mu    sync.Mutex // guards what follows
	built bool
	msg   wire.BackendGetQueue
}

// runningEntry is a running job with what may change about it.
type runningEntry struct {
	job   *Job
	agent string
	turn  uint64
	unix  int64
}

// list returns the queue as it is now.
func (s *State) list() *Listing {
	if s.listing != nil {
		return s.listing
	}
	l := &Listing{waiting: make([]entry, 0, s.waiting)}
	for _, t := range s.topics {
		l.waiting = append(l.waiting, t.waiting.items...)
	}
	running := func(a *agent) {
		for _, j := range a.jobs {
			l.running = append(l.running, runningEntry{&j.Job, a.name, j.turn, j.began.Unix()})
		}
	}
	for _, a := range s.agents {
		running(a)
	}
	for _, a := range s.away {
		running(a)
	}
	s.listing = l
	return l
}

// Do calls f with the listing as a client sees it: what runs in the order it
// was sent out, what waits in the order it will be (PROTOCOL.md 1.6; the Python
// backend has the order of arrival). The message is f's until it returns. Several
// goroutines may call Do; they take turns.
func (l *Listing) Do(client wire.Peer, f func(*wire.BackendGetQueue)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.built {
		l.build()
	}
	for i := range l.running {
		l.msg.Running[i].Mine = l.running[i].job.Client == client
	}
	for i := range l.waiting {
		l.msg.Waiting[i].Mine = l.waiting[i].job.Client == client
	}
	f(&l.msg)
}

func (l *Listing) build() {
	l.built = true
	slices.SortFunc(l.running, func(a, b runningEntry) int { return cmp.Compare(a.turn, b.turn) })
	slices.SortFunc(l.waiting, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.seq, b.seq))
	})
	l.msg.Running = make([]wire.RunningJob, len(l.running))
	for i, r := range l.running {
		l.msg.Running[i] = wire.RunningJob{
			JobID: r.job.Request.JobID, Agent: r.agent, Info: r.job.Info(),
			Launcher: r.job.Request.Launcher, StartedAt: r.unix, Max: r.job.Max,
		}
	}
	l.msg.Waiting = make([]wire.WaitingJob, len(l.waiting))
	for i, e := range l.waiting {
		l.msg.Waiting[i] = wire.WaitingJob{
			JobID: e.job.Request.JobID, Info: e.job.Info(), Launcher: e.job.Request.Launcher, Max: e.job.Max,
		}
	}
}
