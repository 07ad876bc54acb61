package backend

import (
	"context"
	"log/slog"

	"github.com/ingot-grading/ingot/backend/sched"
)

// report logs a fact. What happens to each job is for debugging; what an
// operator has to know of is louder.
func (b *Backend) report(e sched.Effect) {
	switch e := e.(type) {
	case sched.JobSent:
		if b.verbose() {
			b.log.Debug("job sent", "job", e.Job.Request.JobID, "agent", e.Agent, "environment", e.Job.Environment().String(), "waited", e.Waited)
		}
	case sched.JobEnded:
		b.recent.add(e)
		b.reportEnd(e)
	case sched.JobsStopped:
		b.log.Warn("jobs ended with a crash, as this backend stops", "jobs", e.Jobs)
	case sched.JobRefused:
		b.log.Warn("job refused", "job", e.JobID, "client", e.Client, "why", e.Why)
	case sched.JobRequeued:
		b.log.Info("job waits again", "job", e.Job.Request.JobID, "agent", e.Agent)
	case sched.AgentJoined:
		if e.Stopping { // or what hangs has all its slots
			b.log.Info("agent takes no more jobs", "agent", e.Name, "peer", e.Peer, "jobs", e.Jobs)
			return
		}
		b.log.Info("agent joined", "agent", e.Name, "peer", e.Peer, "slots", e.Slots, "environments", e.Environments, "jobs", e.Jobs, "back", e.Back)
	case sched.AgentLeft:
		level := slog.LevelWarn
		if e.Orderly {
			level = slog.LevelInfo
		}
		b.log.Log(context.Background(), level, "agent left", "agent", e.Name, "jobs", e.Jobs, "may_return", e.Grace)
	case sched.VersionsDiffer:
		b.log.Warn("agents have different images", "environment", e.Environment.String(), "agent", e.Agent, "image", e.Image, "other", e.Other)
	case sched.Ignored:
		b.log.Info("an agent spoke of a job it does not have", "peer", e.Peer, "job", e.JobID)
	}
}

func (b *Backend) reportEnd(e sched.JobEnded) {
	level := slog.LevelWarn
	switch e.End {
	case sched.EndResult, sched.EndKilled, sched.EndClientGone, sched.EndStopped:
		if !b.verbose() {
			return // before the arguments are boxed: this is the hot path
		}
		level = slog.LevelDebug
	}
	b.log.Log(context.Background(), level, "job ended", "job", e.Job.Request.JobID, "end", e.End.String(), "status", e.Status,
		"agent", e.Agent, "waited", e.Waited, "ran", e.Ran)
}

func (b *Backend) verbose() bool { return b.log.Enabled(context.Background(), slog.LevelDebug) }
