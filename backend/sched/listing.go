package sched

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Listing is the queue at one moment. It is cheap to make: sorting and spelling
// it out happen in For, which may run in another goroutine than the State's.
type Listing struct {
	waiting []entry
	running []runningEntry

	mu     sync.Mutex // guards what follows
	msg    *wire.BackendGetQueue
	owners []wire.Peer // of the jobs in msg: those that run, then those that wait
}

// runningEntry is a running job with what may change about it.
type runningEntry struct {
	job   *Job
	agent string
	turn  uint64
	began time.Time
}

func (r runningEntry) compare(q runningEntry) int { return cmp.Compare(r.turn, q.turn) }

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
			l.running = append(l.running, runningEntry{&j.Job, a.name, j.turn, j.began})
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
	if l.msg == nil {
		l.build()
	}
	running, waiting := l.msg.Running, l.msg.Waiting
	for i := range running {
		running[i].Mine = l.owners[i] == client
	}
	for i := range waiting {
		waiting[i].Mine = l.owners[len(running)+i] == client
	}
	f(l.msg)
}

func (l *Listing) build() {
	running, waiting := slices.Clone(l.running), slices.Clone(l.waiting) // Top may be reading
	slices.SortFunc(running, runningEntry.compare)
	slices.SortFunc(waiting, entry.compare)
	l.owners = make([]wire.Peer, 0, len(running)+len(waiting))
	l.msg = &wire.BackendGetQueue{
		Running: make([]wire.RunningJob, len(running)),
		Waiting: make([]wire.WaitingJob, len(waiting)),
	}
	for i, r := range running {
		l.owners = append(l.owners, r.job.Client)
		l.msg.Running[i] = wire.RunningJob{
			JobID: r.job.Request.JobID, Agent: r.agent, Info: r.job.Info(),
			Launcher: r.job.Request.Launcher, StartedAt: r.began.Unix(), Max: r.job.Max,
		}
	}
	for i, e := range waiting {
		l.owners = append(l.owners, e.job.Client)
		l.msg.Waiting[i] = wire.WaitingJob{
			JobID: e.job.Request.JobID, Info: e.job.Info(), Launcher: e.job.Request.Launcher, Max: e.job.Max,
		}
	}
}

// RunningJob is a job that is with an agent.
type RunningJob struct {
	Job   *Job
	Agent string // friendly name
	Began time.Time
}

// Top returns the first n jobs that run and the first n that wait, in the order
// of Do. It is cheap for a small n. Several goroutines may call it.
func (l *Listing) Top(n int) (running []RunningJob, waiting []*Job) {
	for _, r := range top(l.running, n, runningEntry.compare) {
		running = append(running, RunningJob{r.job, r.agent, r.began})
	}
	for _, e := range top(l.waiting, n, entry.compare) {
		waiting = append(waiting, &e.job.Job)
	}
	return running, waiting
}

// top returns the n smallest of list, sorted.
func top[T any](list []T, n int, compare func(a, b T) int) []T {
	best := make([]T, 0, n+1)
	for _, x := range list {
		if len(best) == n && compare(x, best[n-1]) >= 0 {
			continue
		}
		i, _ := slices.BinarySearchFunc(best, x, compare)
		best = slices.Insert(best, i, x)
		best = best[:min(n, len(best))]
	}
	return best
}
