package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Texts a student may see when the agent, not the grader, ended the job: nobody
// foresaw why, or the agent was told to stop.
const (
	TextUnknown  = "An unknown error occurred in the agent. Please contact your course administrator."
	TextStopping = "The grading agent is stopping. Please retry later."
)

const (
	textLong       = "The submission is too large for the grading agent. Please contact your course administrator."
	textLongResult = "The result of the grading is too large. Please contact your course administrator."
)

// errNoSSH refuses a second way in, or one of a job that has ended.
var errNoSSH = errors.New("agent: the job may not announce SSH (again)")

// running is a job between its acceptance and its result.
type running struct {
	job    Job
	ctx    context.Context
	cancel context.CancelCauseFunc
	way    *wire.SSH // in, once it has been announced
	began  time.Time
	ending time.Time // when it was told to end first; zero: it was not
	told   bool      // the backend wants no result any more, and the job has yet to end
}

// outcome is what a worker hands back.
type outcome struct {
	*running
	result wire.Result
}

func newJob(m *wire.BackendNewJob) Job {
	return Job{BackendNewJob: m, State: wire.StateOf(m.InputData)}
}

// accept takes a job. There may be no slot for it: a backend that restarted, or
// gave this agent up meanwhile, does not know of the jobs that it has to stop first.
func (s *session) accept(m *wire.BackendNewJob) {
	r := s.jobs[m.JobID]
	if r != nil && !r.ending.IsZero() {
		s.log.Warn("job comes again while an earlier one of its id ends", "job", m.JobID)
		s.disown(r)
		r = nil
	}
	switch {
	case r != nil: // one result per id: the running job's
		s.log.Warn("job is running already", "job", m.JobID)
		s.announce(m.JobID) // the backend cannot know, or it would not send it
	case s.waits(m.JobID) >= 0:
	case s.closed || s.taken() >= s.cfg.Slots:
		s.backlog = append(s.backlog, m)
	default:
		s.begin(m)
	}
}

// taken is how many slots have a job.
func (s *session) taken() int { return len(s.jobs) + s.hung }

// waits returns where in the backlog a job is, or -1.
func (s *session) waits(job string) int {
	return slices.IndexFunc(s.backlog, func(m *wire.BackendNewJob) bool { return m.JobID == job })
}

// begin starts a job. Its id is in the table until its result is in the outbox.
func (s *session) begin(m *wire.BackendNewJob) {
	s.log.LogAttrs(s.base, slog.LevelInfo, "job started", slog.String("job", m.JobID), slog.String("course", m.CourseID.Value),
		slog.String("task", m.TaskID.Value), slog.String("environment", m.EnvironmentType+"/"+m.Environment))
	ctx, cancel := context.WithCancelCause(s.base)
	r := &running{job: newJob(m), ctx: ctx, cancel: cancel, began: time.Now()}
	s.jobs[m.JobID] = r
	s.announce(m.JobID)
	select {
	case s.work <- r:
	default: // all are busy
		go s.worker(r)
	}
}

// worker runs r, and then what there is, until there is no more work. Its stack
// has grown by then to what jobs need: short jobs would spend their time on that.
func (s *session) worker(r *running) {
	for ok := true; ok; r, ok = <-s.work {
		res := s.execute(r)
		r.cancel(nil)
		s.ended <- outcome{r, res}
	}
}

// execute runs a job and turns a panic of the executor into a result.
func (s *session) execute(r *running) (res wire.Result) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("the executor panicked", "job", r.job.JobID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			res = Failed(r.job, "crash", TextUnknown)
		}
	}()
	return s.exec.Run(r.ctx, r.job, uplink{s.ssh, r})
}

// leave takes a job that has ended out of the table.
func (s *session) leave(r *running) {
	if r.told {
		s.hung--
		s.resize()
		return
	}
	delete(s.jobs, r.job.JobID)
}

// finish takes a job out of the table and its result into the outbox.
func (s *session) finish(o outcome) {
	s.leave(o.running)
	s.log.LogAttrs(s.base, slog.LevelInfo, "job done", slog.String("job", o.job.JobID), slog.String("status", o.result.Status),
		slog.Float64("grade", o.result.Grade), slog.Duration("took", time.Since(o.began).Round(time.Microsecond)))
	if !o.told {
		s.deliver(o.job, o.result)
	}
	if len(s.backlog) > 0 && !s.closed {
		m := s.backlog[0]
		s.backlog = s.backlog[1:]
		s.begin(m)
	}
	s.reannounce()
}

// announce tells the backend what is known of a job that runs, perhaps again.
func (s *session) announce(job string) {
	r := s.jobs[job]
	s.send(&wire.AgentJobStarted{Client: r.job.Client, JobID: job})
	if r.way != nil {
		s.send(&wire.AgentJobSSHDebug{Client: r.job.Client, JobID: job, SSH: *r.way})
	}
}

// deliver encodes a result and sends it, now or once there is a connection.
func (s *session) deliver(job Job, res wire.Result) {
	res.Grade = RoundGrade(res.Grade)
	room := frameRoom + len(res.Text) + len(res.Problems) + len(res.Tests) + len(res.Custom) + len(res.State) +
		len(res.Archive) + len(res.Stdout.Value) + len(res.Stderr.Value)
	frame, err := s.dialect.Append(make([]byte, 0, room), &wire.AgentJobDone{Client: job.Client, JobID: job.JobID, Result: res})
	if err != nil {
		s.log.Error("cannot encode a result", "job", job.JobID, "err", err)
		frame, err = s.dialect.Append(nil, &wire.AgentJobDone{Client: job.Client, JobID: job.JobID, Result: Failed(job, "crash", textLongResult)})
		if err != nil {
			return // not even an empty result: the job's id or its state alone is over the limit
		}
	}
	s.out.add(job.JobID, frame)
	s.out.send(s)
}

// settle forgets the results that were delivered long ago.
func (s *session) settle() { s.out.settle(time.Now(), s.heard, s) }

// kill ends a job. A job that never was here is answered all the same, lest the
// backend wait for it for ever (PROTOCOL.md 3.4); one that has just ended was
// answered, and the kill crossed its result. One that waits for a slot was not,
// even if an earlier one of its id was.
func (s *session) kill(m *wire.BackendKillJob) {
	if r := s.jobs[m.JobID]; r != nil {
		r.end(ErrKilled)
		return
	}
	if i := s.waits(m.JobID); i >= 0 {
		s.backlog = slices.Delete(s.backlog, i, i+1)
	} else {
		s.settle()
		if s.out.has(m.JobID) {
			return
		}
	}
	s.log.Warn("asked to kill a job that does not run", "job", m.JobID)
	job := Job{BackendNewJob: &wire.BackendNewJob{Client: m.Client, JobID: m.JobID}, State: m.State}
	s.deliver(job, Failed(job, "killed", ""))
}

// end tells the executor to end the job. The first cause counts.
func (r *running) end(cause error) {
	if r.ending.IsZero() {
		r.ending = time.Now()
	}
	r.cancel(cause)
}

// endGrace is how long the executor has to end a job that it was told to, and to
// say what it used. It takes milliseconds if nothing hangs.
const endGrace = time.Second

// answerHung answers for jobs that the executor was told to end and does not, for
// example as the container runtime hangs. Such a job keeps its slot until it has
// ended, but not its id: there may be another of that.
func (s *session) answerHung(now time.Time) {
	for id, r := range s.jobs {
		if r.ending.IsZero() || now.Sub(r.ending) < endGrace {
			continue
		}
		s.log.Warn("job does not end", "job", id, "cause", context.Cause(r.ctx))
		s.disown(r) // before the backend takes its slot for free
		res := Failed(r.job, "killed", "")
		if errors.Is(context.Cause(r.ctx), ErrStopping) {
			res = Failed(r.job, "crash", TextStopping)
		}
		s.deliver(r.job, res)
	}
}

// disown takes a job that has yet to end out of the table. It keeps its slot.
func (s *session) disown(r *running) {
	delete(s.jobs, r.job.JobID)
	r.told = true
	s.hung++
	s.resize()
}

// sshCall is a job's wish to announce a way in.
type sshCall struct {
	of     *running
	way    wire.SSH
	answer chan error
}

// open sends a way in, once per job.
func (s *session) open(c sshCall) error {
	id := c.of.job.JobID
	if s.jobs[id] != c.of || c.of.way != nil {
		return errNoSSH
	}
	c.of.way = &c.way
	s.send(&wire.AgentJobSSHDebug{Client: c.of.job.Client, JobID: id, SSH: c.way})
	return nil
}

// uplink is a job's side of sshCall.
type uplink struct {
	calls chan<- sshCall
	of    *running
}

// SSH implements [Uplink].
func (u uplink) SSH(way wire.SSH) error {
	c := sshCall{u.of, way, make(chan error, 1)}
	select {
	case u.calls <- c:
		return <-c.answer
	case <-u.of.ctx.Done():
		return context.Cause(u.of.ctx)
	}
}
