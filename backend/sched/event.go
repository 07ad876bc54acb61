package sched

import "github.com/ingot-grading/ingot/wire"

// Event is something that happened. Events of a connection come in the order
// up, messages, down. One of a connection that is not known is ignored.
type Event interface{ isEvent() }

// ClientUp tells of a new connection of a client.
type ClientUp struct {
	Peer      wire.Peer
	RoutingID string
	Addr      string // for display
}

// ClientMessage is a message of a client. Its memory is the scheduler's from
// then on and must not change.
type ClientMessage struct {
	Peer wire.Peer
	Old  bool // the peer speaks 0.6 or older: its job ids are its own (PROTOCOL.md 1.3)
	Msg  wire.Message
}

// ClientExcess tells of a job of a client whose message goes over a limit. Msg has
// no more of it than [wire.Skim] gives.
type ClientExcess struct {
	Peer wire.Peer
	Msg  *wire.ClientNewJob
}

// ClientDown tells that a client's connection ended.
type ClientDown struct{ Peer wire.Peer }

// AgentUp tells of a new connection of an agent. See [wire.IdentityPrefix] for what
// its routing id may say.
type AgentUp struct {
	Peer      wire.Peer
	RoutingID string
	Addr      string // for display
}

// AgentMessage is a message of an agent, as ClientMessage.
type AgentMessage struct {
	Peer wire.Peer
	Old  bool // the peer speaks 0.6 or older
	Msg  wire.Message
}

// AgentExcess tells of a result of an agent whose message goes over a limit, as
// ClientExcess.
type AgentExcess struct {
	Peer wire.Peer
	Msg  *wire.AgentJobDone
}

// AgentFull tells that a job could not be sent, as too much waits for its agent
// already. JobID and Client are what the agent would have called it.
type AgentFull struct {
	Peer   wire.Peer
	Client string
	JobID  string
}

// AgentAlive tells that an agent is in the middle of a long message.
type AgentAlive struct{ Peer wire.Peer }

// AgentDown tells that an agent's connection ended.
type AgentDown struct{ Peer wire.Peer }

// Tick comes every second. Pings and deadlines hang on it.
type Tick struct{}

// Drain keeps new jobs from an agent, or with On false no longer does. What
// runs there goes on. It lasts for the life of the agent's process.
type Drain struct {
	Agent wire.Peer
	On    bool
}

// Kill ends a job for the operator, as its client could.
type Kill struct {
	Client wire.Peer // [Job.Client]
	JobID  string
}

// Configure replaces the configuration. Jobs that were accepted stay accepted.
type Configure struct{ Config Config }

// Stop ends the service: jobs that wait are answered with a crash, and so is
// every new one. With Now set the running ones are too, and are killed.
type Stop struct{ Now bool }

func (ClientUp) isEvent()      {}
func (ClientMessage) isEvent() {}
func (ClientExcess) isEvent()  {}
func (ClientDown) isEvent()    {}
func (AgentUp) isEvent()       {}
func (AgentMessage) isEvent()  {}
func (AgentExcess) isEvent()   {}
func (AgentFull) isEvent()     {}
func (AgentAlive) isEvent()    {}
func (AgentDown) isEvent()     {}
func (Tick) isEvent()          {}
func (Drain) isEvent()         {}
func (Kill) isEvent()          {}
func (Configure) isEvent()     {}
func (Stop) isEvent()          {}
