package sched

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Listing is the queue at one moment. It is cheap to make: sorting and spelling
// it out happen in [Listing.Do], which may run in another goroutine than the State's.
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

// longQueue is how many jobs wait in a queue that is not listed anew for each change.
const longQueue = 10_000

// outdate takes note that the listing is not that of the queue any more. One of a long
// queue, whose copy takes milliseconds, is good until the next tick.
func (s *State) outdate() {
	if s.listing == nil || len(s.listing.waiting) < longQueue {
		s.listing = nil
		return
	}
	s.overdue = true
}

// list returns the queue as it is now, or a long one as it was since the last tick.
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

// A listing goes to whoever asks, again and again: it has no more rows than make
// about maxListing bytes. A row has rowSize bytes besides its texts.
const (
	maxListing = 4 << 20
	rowSize    = 64
)

// Do calls f with the listing as a client sees it: what runs in the order it
// was sent out, what waits in the order it will be (PROTOCOL.md 1.6; the Python
// backend has the order of arrival). Of a long queue the end is left out, and of
// long texts too. The message is f's until it returns. Several
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
	most := maxListing / rowSize
	l.owners = make([]wire.Peer, 0, min(len(running)+len(waiting), most))
	l.msg = &wire.BackendGetQueue{
		Running: make([]wire.RunningJob, 0, min(len(running), most)),
		Waiting: make([]wire.WaitingJob, 0, min(len(waiting), most)),
	}
	left := maxListing
	for _, r := range running {
		row := wire.RunningJob{
			JobID: clip(r.job.Request.JobID), Agent: r.agent, Info: clip(r.job.Info()),
			Launcher: r.job.Request.Launcher, StartedAt: r.began.Unix(), Max: r.job.Max,
		}
		if left -= rowSize + len(row.JobID) + len(row.Agent) + len(row.Info) + len(row.Launcher); left < 0 {
			return
		}
		l.msg.Running, l.owners = append(l.msg.Running, row), append(l.owners, r.job.Client)
	}
	for _, e := range waiting {
		row := wire.WaitingJob{
			JobID: clip(e.job.Request.JobID), Info: clip(e.job.Info()), Launcher: e.job.Request.Launcher, Max: e.job.Max,
		}
		if left -= rowSize + len(row.JobID) + len(row.Info) + len(row.Launcher); left < 0 {
			return
		}
		l.msg.Waiting, l.owners = append(l.msg.Waiting, row), append(l.owners, e.job.Client)
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
