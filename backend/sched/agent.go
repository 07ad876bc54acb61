package sched

import (
	"math"
	"strings"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// agent is an agent process, with or without a connection at the moment.
type agent struct {
	peer    wire.Peer
	routing string
	addr    string
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
	backAt     time.Time // when that was
}

// connected reports whether messages reach the agent.
func (a *agent) connected() bool { return a.lost.IsZero() }

// free returns how many jobs the agent could be sent.
func (a *agent) free() int {
	if a.drained || !a.connected() {
		return 0
	}
	return max(0, a.slots-len(a.jobs))
}

// IdentityPrefix begins the routing ids of agents that can be known again on
// another connection. Such an id names one life of an agent's process, in which
// it forgets no job. Other ids promise nothing: libzmq makes one up for each
// connection, and a configured one would outlive a restart.
const IdentityPrefix = "ingot-"

// returns reports whether the agent can be known again on another connection.
func (a *agent) returns() bool { return strings.HasPrefix(a.routing, IdentityPrefix) }

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
	case *wire.AgentJobStarted:
		s.onStarted(a, agentKey{string(m.Client), m.JobID})
	case *wire.AgentJobSSHDebug:
		s.onSSH(a, agentKey{string(m.Client), m.JobID}, m.SSH)
	case *wire.AgentJobDone:
		s.onDone(a, agentKey{string(m.Client), m.JobID}, m.Result)
	}
}

// onHello registers an agent, or takes in what changed about it. Its jobs stay,
// but one of ours that has no slots any more is stopping, and gives back what it
// has not started.
func (s *State) onHello(a *agent, old bool, m *wire.AgentHello) {
	back := false
	if known := s.stable[a.routing]; known != nil && known != a {
		s.adopt(known, a)
		a, back = known, true
	}
	if !a.known {
		a.known, a.since = true, s.now
		a.jobs = map[agentKey]*job{}
		if a.returns() {
			s.stable[a.routing] = a
		}
	}
	a.name, a.old = m.FriendlyName, old
	s.listing = nil // which has names
	a.slots = int(min(max(m.Slots, 0), math.MaxInt32))
	if a.slots == 0 && a.returns() {
		a.back, a.backAt = s.next(), s.now
	}
	gone := s.dropOffers(a)
	for _, env := range m.Environments {
		s.addOffer(a, env)
	}
	for _, t := range gone {
		s.show(t)
	}
	s.emit(AgentJoined{a.peer, a.name, a.slots, len(a.offers), len(a.jobs), back})
	s.fill(a)
}

// onStarted takes note that a job runs. One that a does not have was taken from
// it while it was away, or came from a backend before this one: nobody waits for
// it, and it has a slot.
func (s *State) onStarted(a *agent, k agentKey) {
	j := a.jobs[k]
	if j == nil {
		s.emit(Ignored{a.peer, k.id})
		s.emit(ToAgent{a.peer, &wire.BackendKillJob{Client: k.routing(), JobID: k.id}})
		return
	}
	j.phase = started
	if !j.told && !j.owner.gone {
		s.emit(ToClient{j.owner.peer, &wire.BackendJobStarted{JobID: j.Request.JobID}})
	}
	j.told = true
}

func (s *State) onSSH(a *agent, k agentKey, way wire.SSH) {
	j := a.jobs[k]
	if j == nil {
		s.emit(Ignored{a.peer, k.id})
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
		s.emit(Ignored{a.peer, m.JobID})
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
		s.emit(Ignored{a.peer, k.id})
		return
	}
	s.finish(j, EndResult, r)
	s.fill(a)
}
