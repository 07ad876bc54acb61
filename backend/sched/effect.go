package sched

import (
	"errors"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Effect is something to do (ToClient, ToAgent, List, DropClient, DropAgent) or a
// fact worth a log line or a metric (all others). A [Job] in it stays valid and
// does not change.
type Effect interface{ isEffect() }

// ToClient sends a message to a client. Several may share one message.
type ToClient struct {
	Peer wire.Peer
	Msg  wire.Message
}

// ToAgent sends a message to an agent.
type ToAgent struct {
	Peer wire.Peer
	Msg  wire.Message
}

// List answers a client's wire.ClientGetQueue with what Listing.Do gives for Peer. It is not
// a ToClient because building a long listing is better done elsewhere.
type List struct {
	Peer    wire.Peer
	Listing *Listing
}

// DropClient closes a client's connection, which the state has forgotten already.
type DropClient struct {
	Peer  wire.Peer
	Cause error
}

// DropAgent closes an agent's connection, which the state has forgotten already.
type DropAgent struct {
	Peer  wire.Peer
	Cause error
}

// The causes of DropClient and DropAgent.
var (
	ErrUnexpected = errors.New("a message that this side never sends (agents and clients have an address each)")
	ErrSilent     = errors.New("pings unanswered")
	ErrNoHello    = errors.New("no hello")
	ErrReplaced   = errors.New("the agent has a newer connection")
)

// JobRefused tells that a job was answered without being accepted.
type JobRefused struct {
	Client wire.Peer
	JobID  string
	Why    string // duplicate id, long id, message limit, stopping, client limit, queue limit or queue bytes
}

// JobSent tells that a job went to an agent.
type JobSent struct {
	Job    *Job
	Agent  string        // its friendly name
	Waited time.Duration // since the job was accepted
}

// JobRequeued tells that a job waits again because its agent is lost, stops, or
// does not read fast enough.
type JobRequeued struct {
	Job   *Job
	Agent string
}

// JobEnded tells the end of an accepted job.
type JobEnded struct {
	Job    *Job
	End    End
	Status string        // of the result
	Agent  string        // friendly name of where it ran last, "" if nowhere
	Waited time.Duration // before it was sent to that agent, or until now
	Ran    time.Duration // since it was sent there
}

// JobsStopped tells how many jobs just ended because the service stops.
type JobsStopped struct{ Jobs int }

// End says what ended a job.
type End uint8

// The values of [End].
const (
	EndResult     End = iota + 1 // its agent handed in a result
	EndKilled                    // killed before its agent could hand in a result
	EndAgentLost                 // its agent is gone
	EndUnrunnable                // no agent has its environment
	EndClientGone                // it waited, and its client is gone
	EndStopped                   // the service stops
	EndClash                     // its agent has another job of that id (PROTOCOL.md 1.3)
	EndExcess                    // its agent handed in a result that goes over a limit
)

// String names e for logs and metrics.
func (e End) String() string {
	if int(e) >= len(ends) {
		return "unknown"
	}
	return ends[e]
}

var ends = [...]string{"unknown", "result", "killed", "agent lost", "unrunnable", "client gone", "stopped", "id clash", "result over a limit"}

// AgentJoined tells that an agent said hello.
type AgentJoined struct {
	Peer         wire.Peer
	Name         string
	Slots        int
	Environments int
	Jobs         int  // it has, if it is known already
	Back         bool // on a new connection, with its jobs
	Stopping     bool // it had slots, and has none any more
}

// AgentLeft tells that an agent that had said hello is not there any more. If it
// may come back and does not, a second one tells of the jobs that are taken from it.
type AgentLeft struct {
	Name    string
	Jobs    int  // it had
	Grace   bool // it may come back for them
	Orderly bool // it had given up its slots, and had no jobs
}

// VersionsDiffer tells that agents offer an environment with different images. Of one
// hello there are a few at most.
type VersionsDiffer struct {
	Environment  Name
	Agent        string // friendly name of the agent that said hello
	Image, Other string // its image and one of another agent
}

// Ignored tells that an agent spoke of a job that it does not have.
type Ignored struct {
	Peer  wire.Peer
	JobID string
}

func (ToClient) isEffect()       {}
func (ToAgent) isEffect()        {}
func (List) isEffect()           {}
func (DropClient) isEffect()     {}
func (DropAgent) isEffect()      {}
func (JobRefused) isEffect()     {}
func (JobSent) isEffect()        {}
func (JobRequeued) isEffect()    {}
func (JobEnded) isEffect()       {}
func (JobsStopped) isEffect()    {}
func (AgentJoined) isEffect()    {}
func (AgentLeft) isEffect()      {}
func (VersionsDiffer) isEffect() {}
func (Ignored) isEffect()        {}
