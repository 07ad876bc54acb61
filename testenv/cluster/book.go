package cluster

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// settle is how soon after one outage another counts as its continuation: the
// longest pause before a connection is made again, and some.
const settle = 6 * time.Second

// book holds what happened and finds what never may. It may be used from any
// goroutine.
type book struct {
	slots int
	grace time.Duration // an agent away for less is not given up

	mu      sync.Mutex
	work    map[string]Work // by job
	pages   map[page]*account
	runs    map[string][]*run // by job
	busy    map[*Agent]int
	outages map[*Agent][]outage
	twin    map[*Agent]bool // shares its identity, so that its jobs may run elsewhere too
	bad     []string
	changed chan struct{} // closed and replaced when a client waits for less
}

// page names a job at one connection of a client.
type page struct {
	client *Client
	conn   wire.Peer
	job    string
}

// account is what a client knows of a job.
type account struct {
	submitted int // more than once only for duplicates
	results   []string
	started   bool
	abandoned bool // the client gave up waiting, as its connection ended
}

// run is one time that a job ran.
type run struct {
	agent *Agent
	began time.Time
	over  bool
}

// outage is a time in which an agent could not be reached.
type outage struct {
	from, to time.Time // to is zero while it lasts
}

func newBook(slots int, grace time.Duration) *book {
	return &book{
		slots: slots, grace: grace, work: map[string]Work{}, pages: map[page]*account{}, runs: map[string][]*run{},
		busy: map[*Agent]int{}, outages: map[*Agent][]outage{}, twin: map[*Agent]bool{}, changed: make(chan struct{}),
	}
}

func (b *book) wrong(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault(format, args...)
}

// fault notes what never may happen. The caller holds b.mu.
func (b *book) fault(format string, args ...any) {
	b.bad = append(b.bad, fmt.Sprintf(format, args...))
}

// faults returns what was wrong since it was last asked.
func (b *book) faults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	bad := b.bad
	b.bad = nil
	return bad
}

func (b *book) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *book) submitted(cl *Client, conn wire.Peer, job string, work Work) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.work[job] == nil {
		b.work[job] = work
	}
	p := page{cl, conn, job}
	if b.pages[p] == nil {
		b.pages[p] = &account{}
	}
	a := b.pages[p]
	if len(a.results) == a.submitted {
		a.started = false // the id is used again
	}
	a.submitted++
}

func (b *book) started(cl *Client, conn wire.Peer, job string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch a := b.pages[page{cl, conn, job}]; {
	case a == nil:
		b.fault("a client was told that %s started, which it does not have", job)
	case a.started:
		b.fault("a client was told twice that %s started", job)
	case len(a.results) >= a.submitted:
		b.fault("a client was told that %s started after its result", job)
	default:
		a.started = true
	}
}

func (b *book) answered(cl *Client, conn wire.Peer, m *wire.BackendJobDone) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.pages[page{cl, conn, m.JobID}]
	switch {
	case a == nil:
		b.fault("a client was sent a result of %s, which it does not have", m.JobID)
		return
	case len(a.results) >= a.submitted:
		b.fault("a client was sent result %d of %s: %s %s", len(a.results)+1, m.JobID, m.Status, m.Text)
	}
	a.results = append(a.results, m.Status)
	b.notify()
}

// abandoned notes that a client waits no more for the jobs of a connection, or
// of any if conn is 0.
func (b *book) abandoned(cl *Client, conn wire.Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p, a := range b.pages {
		if p.client == cl && (p.conn == conn || conn == 0) && len(a.results) < a.submitted {
			a.abandoned = true
		}
	}
	b.notify()
}

// open returns the jobs that some clients wait for, and what is closed when
// there may be fewer.
func (b *book) open(clients []*Client) (jobs []string, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p, a := range b.pages {
		if len(a.results) < a.submitted && !a.abandoned && slices.Contains(clients, p.client) {
			jobs = append(jobs, p.job)
		}
	}
	slices.Sort(jobs)
	return jobs, b.changed
}

func (b *book) results() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := map[string]int{}
	for _, a := range b.pages {
		for _, status := range a.results {
			n[status]++
		}
	}
	return n
}

func (b *book) answer(job string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p, a := range b.pages {
		if p.job == job && len(a.results) > 0 {
			return a.results[0]
		}
	}
	return ""
}

func (b *book) runsOf(job string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.runs[job])
}

func (b *book) runningNow() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for v := range maps.Values(b.busy) {
		n += v
	}
	return n
}
