package grade

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/wire"
)

// job is one job from Received to Gone. The goroutine of Run owns it until
// Reported, the one of clean after that.
type job struct {
	e    *Executor
	spec agent.Job
	id   string // of our own: containers, groups and directories are named for it
	log  *slog.Logger
	life life
	used wire.Usage

	up agent.Uplink

	env      *environment
	access   access
	limits   limits
	runCmd   *string
	reserved atomic.Int64 // bytes of the agent's memory, for all containers
	freed    bool         // all of it has been given back
	space    *workspace.Workspace
	group    *cgroups.Group
	network  *network.Attachment // nil: none
	guard    *cgroups.Guard      // nil: none
	sshPort  uint16              // external, of the grading container; 0: none
	unlet    int                 // logins that were not announced
	grader   *box
	students *students
	result   wire.Raw // of the last result frame; nil: there was none
	stderr   tail
	secrets  secrets
}

func (e *Executor) newJob(spec agent.Job, up agent.Uplink) *job {
	id := strings.ToLower(rand.Text()[:16])
	return &job{e: e, spec: spec, up: up, id: id, life: newLife(time.Now()), log: e.log.With("job", spec.JobID, "id", id)}
}

// moveTo enters a phase and logs how long the one before took.
func (j *job) moveTo(to Phase) {
	now := time.Now()
	if err := j.life.advance(to, now); err != nil {
		j.log.Error("phase refused", "err", err)
		return
	}
	last := j.life.past[len(j.life.past)-1]
	j.log.Debug("job moved", "to", to.String(), "from", last.Name, "took", last.Took)
	if to == Reported {
		j.used.Wall, j.used.Phases = now.Sub(j.life.began), j.life.past
	}
}

// grade takes the job from Received to its result.
func (j *job) grade(ctx context.Context) wire.Result {
	if err := j.resolve(); err != nil {
		return j.refused(ctx, err)
	}
	j.moveTo(Waiting)
	if err := j.e.memory.acquire(ctx, j.limits.memory); err != nil {
		return j.refused(ctx, err)
	}
	j.reserved.Add(j.limits.memory)
	j.moveTo(Preparing)
	if err := j.prepare(ctx); err != nil {
		return j.refused(ctx, err)
	}
	end, err := j.run(ctx)
	if err != nil {
		return j.refused(ctx, err)
	}
	if status, text := forced(end); status != "" {
		j.stopped(status, end)
		return wire.Result{Status: status, Text: text, State: j.spec.State} // outputs are "" here, not nil: PROTOCOL.md 4.9
	}
	res := interpret(j.result, j.spec.State)
	if res.Status == "crash" {
		j.log.Warn("grader crashed", "text", j.secrets.hide(res.Text), "stderr", j.secrets.hide(j.stderr.String()))
	}
	return res
}

// stopped logs why the grader's own result is not asked for. A container that the
// runtime lost is nobody's wish.
func (j *job) stopped(status string, end ending) {
	level, why := slog.LevelInfo, []any{"status", status}
	if end.cause != nil {
		why = append(why, "cause", end.cause)
	}
	if end.lost != nil {
		level, why = slog.LevelWarn, append(why, "lost", end.lost)
	}
	j.log.Log(context.Background(), level, "job stopped", why...)
}

// refused is the result of a job whose grader never ran.
func (j *job) refused(ctx context.Context, err error) wire.Result {
	if ctx.Err() != nil {
		status, text := forced(ending{cause: context.Cause(ctx)})
		return agent.Failed(j.spec, status, text)
	}
	j.log.Warn("job refused", "err", err)
	return agent.Failed(j.spec, "crash", textOf(err))
}

// reserve takes memory for a student container, which does not wait for it.
// Where grader and students share a budget, it has been taken already.
func (j *job) reserve(n int64) {
	if !j.e.cfg.SharedBudget {
		j.e.memory.take(n)
		j.reserved.Add(n)
	}
}

// unreserve gives the memory of a student container back.
func (j *job) unreserve(n int64) {
	if !j.e.cfg.SharedBudget && !j.freed {
		j.reserved.Add(-n)
		j.e.memory.release(n)
	}
}

// free gives back what is left of the job's memory, after the goroutines of its
// students.
func (j *job) free() {
	j.freed = true
	j.e.memory.release(j.reserved.Swap(0))
}
