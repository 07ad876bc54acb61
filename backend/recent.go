package backend

import (
	"strings"
	"time"

	"github.com/ingot-grading/ingot/backend/sched"
)

// keepRecent is how many ended jobs the status page shows.
const keepRecent = 50

// endedJob is a job that ended, for the status page. Texts that share memory
// with a job's inputs or a result's archive are copied.
type endedJob struct {
	Job         string    `json:"job"`
	Info        string    `json:"info"`
	Environment string    `json:"environment"`
	Launcher    string    `json:"launcher"`
	Agent       string    `json:"agent"`
	End         string    `json:"end"`
	Status      string    `json:"status"`
	Ended       time.Time `json:"ended"`
	Waited      float64   `json:"waited_seconds"`
	Ran         float64   `json:"ran_seconds"`
}

// recent is a ring of the jobs that ended last.
type recent struct {
	jobs [keepRecent]endedJob
	n    int // that were ever added
}

func (r *recent) add(e sched.JobEnded) {
	r.jobs[r.n%keepRecent] = endedJob{
		Job: e.Job.Request.JobID, Info: e.Job.Info(), Environment: e.Job.Environment().String(),
		Launcher: strings.Clone(e.Job.Request.Launcher), Agent: e.Agent, End: e.End.String(), Status: strings.Clone(e.Status),
		Ended: time.Now(), Waited: seconds(e.Waited), Ran: seconds(e.Ran),
	}
	r.n++
}

// last returns what is kept, the newest first.
func (r *recent) last() []endedJob {
	list := make([]endedJob, 0, keepRecent)
	for i := r.n - 1; i >= max(0, r.n-keepRecent); i-- {
		list = append(list, r.jobs[i%keepRecent])
	}
	return list
}
