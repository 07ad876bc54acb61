package sched

import (
	"fmt"
	"strings"

	"github.com/ingot-grading/ingot/wire"
)

// render spells an effect as a line of a transcript. Facts that say no more than
// a message beside them are left out.
func (p *play) render(e Effect) string {
	switch e := e.(type) {
	case ToClient:
		return p.names[e.Peer] + " ← " + p.message(e.Msg)
	case ToAgent:
		return p.names[e.Peer] + " ← " + p.message(e.Msg)
	case List:
		line := p.names[e.Peer] + " ← BackendGetQueue"
		e.Listing.Do(e.Peer, func(m *wire.BackendGetQueue) {
			for _, r := range m.Running {
				line += fmt.Sprintf("\n  running %s mine=%t on %s %s by %s since %d max %d", r.JobID, r.Mine, r.Agent, r.Info, r.Launcher, r.StartedAt, r.Max)
			}
			for _, w := range m.Waiting {
				line += fmt.Sprintf("\n  waiting %s mine=%t %s by %s max %d", w.JobID, w.Mine, w.Info, w.Launcher, w.Max)
			}
		})
		return line
	case DropClient:
		return fmt.Sprintf("%s dropped: %v", p.names[e.Peer], e.Cause)
	case DropAgent:
		return fmt.Sprintf("%s dropped: %v", p.names[e.Peer], e.Cause)
	case AgentLeft:
		how := map[bool]string{true: ", in order"}[e.Orderly]
		if e.Grace {
			return e.Name + " is away" + how
		}
		return e.Name + " is lost" + how
	case AgentJoined:
		if e.Stopping {
			return fmt.Sprintf("%s stops with %d jobs", p.names[e.Peer], e.Jobs)
		}
		if e.Back {
			return fmt.Sprintf("%s is back with %d jobs", p.names[e.Peer], e.Jobs)
		}
	case JobRequeued:
		return fmt.Sprintf("%s waits again", e.Job.Request.JobID)
	case JobEnded:
		if e.End == EndClientGone || e.End == EndResult && p.state.clients[e.Job.Client] == nil {
			return fmt.Sprintf("%s ended: %v", e.Job.Request.JobID, e.End)
		}
	case JobsStopped:
		return fmt.Sprintf("%d jobs stopped", e.Jobs)
	case VersionsDiffer:
		return fmt.Sprintf("%s: %s has image %q, others %q", e.Environment, e.Agent, e.Image, e.Other)
	case Ignored:
		return fmt.Sprintf("%s: no job %s there", p.names[e.Peer], e.JobID)
	}
	return ""
}

func (p *play) message(m wire.Message) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", m), "*wire.")
	switch m := m.(type) {
	case *wire.BackendUpdateEnvironments:
		for _, t := range m.Available {
			name += fmt.Sprintf(" %s:%v", t.Type, t.Names)
		}
	case *wire.BackendNewJob:
		return fmt.Sprintf("%s %s%s", name, p.prefix(m.Client), m.JobID)
	case *wire.BackendKillJob:
		return fmt.Sprintf("%s %s%s state=%q", name, p.prefix(m.Client), m.JobID, m.State)
	case *wire.BackendJobStarted:
		return name + " " + m.JobID
	case *wire.BackendJobSSHDebug:
		return fmt.Sprintf("%s %s %s:%d", name, m.JobID, m.Host, m.Port)
	case *wire.BackendJobDone:
		out := fmt.Sprintf("%q", m.Stdout.Value)
		if m.Stdout.Null {
			out = "nil"
		}
		return fmt.Sprintf("%s %s %s %q grade=%v state=%q stdout=%s", name, m.JobID, m.Status, m.Text, m.Grade, m.State, out)
	}
	return name
}

// prefix spells the client of a job of an old agent.
func (p *play) prefix(client []byte) string {
	if client == nil {
		return ""
	}
	return string(client[1:]) + ":"
}
