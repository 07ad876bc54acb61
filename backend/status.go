package backend

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
)

// showJobs is how many running and waiting jobs the status page shows.
const showJobs = 100

// status is what the status page and its JSON show.
type status struct {
	Now          time.Time           `json:"now"`
	Stopping     bool                `json:"stopping"`
	Clients      int                 `json:"clients"`
	Slots        int                 `json:"slots"` // of agents that are not away
	Running      int                 `json:"running"`
	Waiting      int                 `json:"waiting"`
	Agents       []agentStatus       `json:"agents"`
	Environments []environmentStatus `json:"environments"`
	RunningJobs  []jobStatus         `json:"running_jobs"` // the first showJobs
	WaitingJobs  []jobStatus         `json:"waiting_jobs"` // likewise
	RecentJobs   []endedJob          `json:"recent_jobs"`
}

type agentStatus struct {
	Peer         wire.Peer `json:"agent"` // for drain
	Name         string    `json:"name"`
	Addr         string    `json:"address"`
	State        string    `json:"state"`
	Since        time.Time `json:"since"`
	Slots        int       `json:"slots"`
	Running      int       `json:"running"`
	Environments []string  `json:"environments"`
}

type environmentStatus struct {
	Name       string  `json:"name"`
	Agents     int     `json:"agents"`
	Free       int     `json:"agents_free"`
	Shown      bool    `json:"shown"`
	Advertised bool    `json:"advertised"`
	Waiting    int     `json:"waiting"`
	NextWaited float64 `json:"next_waited_seconds"`
}

type jobStatus struct {
	Client      wire.Peer `json:"client"` // for kill, with Job
	Job         string    `json:"job"`
	Info        string    `json:"info"`
	Environment string    `json:"environment"`
	Launcher    string    `json:"launcher"`
	Priority    int64     `json:"priority"`
	Agent       string    `json:"agent,omitempty"`
	Max         int64     `json:"max_seconds"` // -1: unknown
	Seconds     float64   `json:"seconds"`     // since it waits or runs
}

// observer makes the status, at most once per period for all who look.
type observer struct {
	backend *Backend

	mu   sync.Mutex
	last *status // not to be changed
}

// look returns the status as it is or was less than a period ago.
func (o *observer) look(ctx context.Context) (*status, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last != nil && time.Since(o.last.Now) < period {
		return o.last, nil
	}
	var v *sched.View
	var ended []endedJob
	now := time.Now()
	if err := o.backend.Ask(ctx, func(s *sched.State) {
		v = s.View(now)
		ended = o.backend.recent.last()
	}); err != nil {
		return nil, err
	}
	o.last = describe(v, now)
	o.last.RecentJobs = ended
	return o.last, nil
}

func describe(v *sched.View, now time.Time) *status {
	st := &status{
		Now: now, Stopping: v.Stopped, Clients: v.Clients, Running: v.Running, Waiting: v.Waiting,
		Agents: []agentStatus{}, Environments: []environmentStatus{}, RunningJobs: []jobStatus{}, WaitingJobs: []jobStatus{},
	}
	for _, a := range v.Agents {
		names := make([]string, len(a.Environments))
		for i, n := range a.Environments {
			names[i] = n.String()
		}
		st.Agents = append(st.Agents, agentStatus{a.Peer, a.Name, a.Addr, a.State(), a.Since, a.Slots, a.Running, names})
		if !a.Away {
			st.Slots += a.Slots
		}
	}
	for _, e := range v.Environments {
		st.Environments = append(st.Environments, environmentStatus{
			e.Name.String(), e.Agents, e.Free, e.Shown, e.Advertised, e.Waiting, seconds(e.Next),
		})
	}
	running, waiting := v.Listing.Top(showJobs)
	for _, r := range running {
		j := describeJob(r.Job, now.Sub(r.Began))
		j.Agent = r.Agent
		st.RunningJobs = append(st.RunningJobs, j)
	}
	for _, j := range waiting {
		st.WaitingJobs = append(st.WaitingJobs, describeJob(j, now.Sub(j.Accepted)))
	}
	return st
}

func describeJob(j *sched.Job, since time.Duration) jobStatus {
	return jobStatus{
		Client: j.Client, Job: j.Request.JobID, Info: j.Info(), Environment: j.Environment().String(),
		Launcher: strings.Clone(j.Request.Launcher), // it shares memory with the inputs
		Priority: j.Request.Priority, Max: j.Max, Seconds: seconds(since),
	}
}
