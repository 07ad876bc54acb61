package sched

import (
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Texts of the backend's own results. The first three are those of the Python
// backend (PROTOCOL.md 2.7).
const (
	textDuplicate  = "Duplicate job id"
	textKilled     = "You killed the job"
	textLost       = "Agent restarted"
	textLong       = "The submission is too large for the grading service."
	textLongResult = "The result of the grading is too large for the grading service. Please contact your course administrator."
	textLongID     = "The id of the submission is too long for the grading service."
	textFull       = "Too many jobs are waiting. Please retry later."
	textClient     = "Too many jobs of this client. Please retry later."
	textStopped    = "The grading service is stopping. Please retry later."
	textUnrunnable = "No grading agent can run this environment at the moment. Please retry later."
)

// client is one connection of a client.
type client struct {
	peer    wire.Peer
	routing string
	addr    string
	up      time.Time // since when it is connected
	known   bool      // it said hello
	old     bool      // it speaks 0.6 or older
	warned  bool      // it was told that it is unknown
	gone    bool      // its connection ended
	jobs    []*job
}

// key returns what tells apart the job that c calls id.
func (c *client) key(id string) key {
	if c.old {
		return key{c, id}
	}
	return key{nil, id}
}

func (c *client) add(j *job) {
	j.ownerAt = len(c.jobs)
	c.jobs = append(c.jobs, j)
}

func (c *client) remove(j *job) {
	last := len(c.jobs) - 1
	c.jobs[j.ownerAt] = c.jobs[last]
	c.jobs[j.ownerAt].ownerAt = j.ownerAt
	c.jobs[last] = nil
	c.jobs = c.jobs[:last]
}

// onClient handles a message of a client (PROTOCOL.md 2.4).
func (s *State) onClient(c *client, ev ClientMessage) {
	if _, ok := ev.Msg.(*wire.ClientHello); ok {
		c.known, c.old = true, ev.Old
		s.emit(ToClient{c.peer, s.offered})
		return
	}
	switch m := ev.Msg.(type) {
	case *wire.Ping, *wire.ClientNewJob, *wire.ClientKillJob, *wire.ClientGetQueue:
		if !c.known {
			s.unknown(&c.warned, ToClient{c.peer, &wire.Unknown{}})
			return
		}
		s.onRequest(c, m)
	default:
		s.emit(DropClient{c.peer, ErrUnexpected})
		s.forget(c)
	}
}

func (s *State) onRequest(c *client, m wire.Message) {
	switch m := m.(type) {
	case *wire.Ping:
		s.emit(ToClient{c.peer, &wire.Pong{}})
	case *wire.ClientNewJob:
		s.submit(c, m)
	case *wire.ClientKillJob:
		s.kill(s.jobs[c.key(m.JobID)])
	case *wire.ClientGetQueue:
		s.emit(List{c.peer, s.list()})
	}
}

// unknown tells a stranger that it has to say hello first, once: each time makes
// a client start all over (PROTOCOL.md 1.4).
func (s *State) unknown(warned *bool, answer Effect) {
	if !*warned {
		*warned = true
		s.emit(answer)
	}
}

// submit accepts a job or answers it at once.
func (s *State) submit(c *client, m *wire.ClientNewJob) {
	j := c.job(m)
	if why, text := s.refusal(c, j); why != "" {
		s.refuse(j, why, text)
		return
	}
	m.Launcher = clip(m.Launcher) // which is for listings and for the status page
	j.Accepted, j.Max, j.seq = s.now, wire.MaxTime(m.Parameters), s.next()
	s.jobs[j.key] = j
	c.add(j)
	s.place(j)
}

// job returns a job that c asks for, not accepted yet.
func (c *client) job(m *wire.ClientNewJob) *job {
	return &job{Job: Job{Request: m, Client: c.peer}, owner: c, key: c.key(m.JobID), size: size(m), waitsAt: -1}
}

// refuse answers a job that is not accepted.
func (s *State) refuse(j *job, why, text string) {
	r := j.result("crash", text, wire.Nullable{})
	if why == refusedDuplicate {
		r.State = "" // PROTOCOL.md 2.7
	}
	s.emit(ToClient{j.Client, &wire.BackendJobDone{JobID: j.Request.JobID, Result: r}})
	s.emit(JobRefused{j.Client, clip(j.Request.JobID), why})
}

// onClientExcess answers a job that is too large to be looked at.
func (s *State) onClientExcess(c *client, m *wire.ClientNewJob) {
	switch j := c.job(m); {
	case !c.known:
		s.unknown(&c.warned, ToClient{c.peer, &wire.Unknown{}})
	case s.jobs[j.key] != nil:
		s.refuse(j, refusedDuplicate, textDuplicate)
	default:
		s.refuse(j, refusedLong, textLong)
	}
}

// Why a job is refused, for operators.
const (
	refusedDuplicate = "duplicate id"
	refusedLong      = "message limit"
	refusedLongID    = "long id"
	refusedStopped   = "stopping"
	refusedClient    = "client limit"
	refusedQueue     = "queue limit"
	refusedBytes     = "queue bytes"
)

// refusal returns why j is not accepted, with a text for its client, or "".
func (s *State) refusal(c *client, j *job) (why, text string) {
	switch {
	case s.jobs[j.key] != nil:
		return refusedDuplicate, textDuplicate
	case len(j.Request.JobID) > wire.MaxID:
		return refusedLongID, textLongID
	case s.stopped:
		return refusedStopped, textStopped
	case s.cfg.ClientLimit > 0 && len(c.jobs) >= s.cfg.ClientLimit:
		return refusedClient, textClient
	case s.cfg.QueueLimit > 0 && s.waiting >= s.cfg.QueueLimit && !s.hasRoom(j):
		return refusedQueue, textFull
	case s.cfg.QueueBytes > 0 && s.bytes+j.size > s.cfg.QueueBytes && !s.hasRoom(j):
		return refusedBytes, textFull
	}
	return "", ""
}

// kill ends a job. A running one ends when its agent says so. An id that is not
// known is ignored (PROTOCOL.md 2.4).
func (s *State) kill(j *job) {
	switch {
	case j == nil:
	case j.phase == waiting:
		s.finish(j, EndKilled, j.result("killed", textKilled, wire.Nullable{}))
	default:
		s.killRunning(j)
	}
}

// killRunning asks j's agent to end it, once.
func (s *State) killRunning(j *job) {
	if j.killed {
		return
	}
	j.killed = true
	if j.agent.connected() {
		s.sendKill(j)
	}
}

func (s *State) sendKill(j *job) {
	s.emit(ToAgent{j.agent.peer, &wire.BackendKillJob{
		Client: j.as.routing(), JobID: j.as.id, State: wire.StateOf(j.Request.InputData),
	}})
}

// forget ends a client: nobody is there for its results any more, so its jobs
// end too, unless a running one may go on.
func (s *State) forget(c *client) {
	delete(s.clients, c.peer)
	c.gone = true
	for i := len(c.jobs) - 1; i >= 0; i-- { // those that end are removed
		switch j := c.jobs[i]; {
		case j.phase == waiting:
			s.finish(j, EndClientGone, wire.Result{})
		case !s.cfg.KeepOrphans:
			s.killRunning(j)
		}
	}
}
