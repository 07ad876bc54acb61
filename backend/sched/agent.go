package sched

import (
	"math"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// agent is an agent process, with or without a connection at the moment.
type agent struct {
	peer    wire.Peer
	life    string // of its process, by its routing id; "": it does not say
	addr    string
	up      time.Time // of its first connection
	name    string
	known   bool // it said hello
	old     bool // it speaks 0.6 or older
	warned  bool // it was told that it is unknown
	drained bool
	slots   int
	offers  []*offer
	topics  map[*topic]bool // of offers
	jobs    map[agentKey]*job

	unanswered int       // pings since the last sign of life
	since      time.Time // of its first hello
	lost       time.Time // since when it has no connection; zero while it has one
	back       uint64    // if not 0: what was sent before this turn may not have arrived
	joined     uint64    // when it came back, if it has not said yet what runs there
	full       bool      // what was sent to it fills its queue
}

// connected reports whether messages reach the agent.
func (a *agent) connected() bool { return a.lost.IsZero() }

// free returns how many jobs the agent could be sent.
func (a *agent) free() int {
	if a.drained || a.full || !a.connected() {
		return 0
	}
	return max(0, a.slots-len(a.jobs))
}

// returns reports whether the agent can be known again on another connection.
func (a *agent) returns() bool { return a.life != "" }

// welcome takes in a new connection. An agent of this project is told at once
// that it is with a backend of this project, by a message that no other sends.
func (s *State) welcome(a *agent) {
	s.agents[a.peer] = a
	if a.returns() {
		s.unknown(&a.warned, ToAgent{a.peer, &wire.Unknown{}})
	}
}

// onAgent handles a message of an agent (PROTOCOL.md 2.5).
func (s *State) onAgent(a *agent, ev AgentMessage) {
	a.unanswered = 0
	switch m := ev.Msg.(type) {
	case *wire.AgentHello:
		s.onHello(a, ev.Old, m)
		return
	case *wire.Pong, *wire.AgentJobStarted, *wire.AgentJobDone, *wire.AgentJobSSHDebug:
	default:
		s.emit(DropAgent{a.peer, ErrUnexpected})
		s.disconnected(a)
		return
	}
	if !a.known {
		s.unknown(&a.warned, ToAgent{a.peer, &wire.Unknown{}})
		return
	}
	switch m := ev.Msg.(type) {
	case *wire.Pong:
		s.onPong(a)
	case *wire.AgentJobStarted:
		s.onStarted(a, agentKey{string(m.Client), m.JobID})
	case *wire.AgentJobSSHDebug:
		s.onSSH(a, agentKey{string(m.Client), m.JobID}, m.SSH)
	case *wire.AgentJobDone:
		s.onDone(a, agentKey{string(m.Client), m.JobID}, m.Result)
	}
}

// maxDiffers is how many environments of one hello are told of for their images: an
// agent may have thousands.
const maxDiffers = 10

// onHello registers an agent, or takes in what changed about it. Its jobs stay,
// but one of ours that has no slots any more is stopping, and gives back what it
// has not started.
func (s *State) onHello(a *agent, old bool, m *wire.AgentHello) {
	back := false
	if known := s.stable[a.life]; known != nil && known != a {
		s.adopt(known, a)
		a, back = known, true
	}
	if !a.known {
		a.known, a.since = true, s.now
		a.jobs = map[agentKey]*job{}
		if a.returns() {
			s.stable[a.life] = a
		}
	}
	a.name, a.old = clip(m.FriendlyName), old
	s.outdate() // the listing has names
	had := a.slots
	a.slots = int(min(max(m.Slots, 0), math.MaxInt32))
	if a.slots == 0 && a.returns() {
		a.back = s.next()
	}
	gone := s.dropOffers(a)
	told := 0
	for _, env := range m.Environments {
		if differs := s.addOffer(a, env); differs != nil && told < maxDiffers {
			s.emit(*differs)
			told++
		}
	}
	for _, t := range gone {
		s.show(t)
	}
	s.emit(AgentJoined{a.peer, a.name, a.slots, len(a.offers), len(a.jobs), back, had > 0 && a.slots == 0})
	s.fill(a)
}

// onStarted takes note that a job runs. One that a does not have was taken from
// it while it was away, or came from a backend before this one: nobody waits for
// it, and it has a slot.
func (s *State) onStarted(a *agent, k agentKey) {
	j := a.jobs[k]
	if j == nil {
		s.emit(Ignored{a.peer, clip(k.id)})
		s.emit(ToAgent{a.peer, &wire.BackendKillJob{Client: k.routing(), JobID: k.id}})
		return
	}
	j.phase, j.said = started, s.next()
	if !j.told && !j.owner.gone {
		s.emit(ToClient{j.owner.peer, &wire.BackendJobStarted{JobID: j.Request.JobID}})
	}
	j.told = true
}

// onPong takes note that a reads what it is sent, and has said all that it had to
// say before: an agent of ours begins a connection with its results and with
// what runs.
func (s *State) onPong(a *agent) {
	if a.back == 0 && !a.full {
		return
	}
	if a.back != 0 {
		s.remind(a)
	}
	a.full = false
	s.fill(a)
}

// drain keeps new jobs from an agent, or no longer. A is nil if it is not there.
func (s *State) drain(a *agent, on bool) {
	if a != nil {
		a.drained = on
		s.fill(a)
	}
}

// onAgentFull takes back a job that there was no room for in its agent's queue.
// It gets no more until it has read what is there. A is nil if it is gone.
func (s *State) onAgentFull(a *agent, k agentKey) {
	if a == nil {
		return
	}
	a.full = true
	s.bid(a)
	if j := a.jobs[k]; j != nil && j.phase == sent {
		j.sends-- // it was not
		s.takeBack(j)
	}
}

func (s *State) onSSH(a *agent, k agentKey, way wire.SSH) {
	j := a.jobs[k]
	if j == nil {
		s.emit(Ignored{a.peer, clip(k.id)})
		return
	}
	if !j.ssh && !j.owner.gone {
		s.emit(ToClient{j.owner.peer, &wire.BackendJobSSHDebug{JobID: j.Request.JobID, SSH: way}})
	}
	j.ssh = true
}

// onAgentExcess ends a job whose result is too large to be looked at: its agent
// would hand in the same again.
func (s *State) onAgentExcess(a *agent, m *wire.AgentJobDone) {
	a.unanswered = 0
	if !a.known {
		s.unknown(&a.warned, ToAgent{a.peer, &wire.Unknown{}})
		return
	}
	j := a.jobs[agentKey{string(m.Client), m.JobID}]
	if j == nil {
		s.emit(Ignored{a.peer, clip(m.JobID)})
		return
	}
	s.finish(j, EndExcess, j.result("crash", textLongResult, wire.Nullable{Null: true}))
	s.fill(a)
}

// onDone ends a job. One that a does not have is the result of a job that was
// answered already, or forged: it changes nothing.
func (s *State) onDone(a *agent, k agentKey, r wire.Result) {
	j := a.jobs[k]
	if j == nil {
		s.emit(Ignored{a.peer, clip(k.id)})
		return
	}
	if r.Status == "killed" && !j.killed && j.phase == sent && a.returns() {
		// That was an earlier run of it, which a was told to end as nobody waited for
		// it. Of this one an agent of ours has said nothing yet.
		s.emit(Ignored{a.peer, clip(k.id)})
		return
	}
	s.finish(j, EndResult, r)
	s.fill(a)
}
