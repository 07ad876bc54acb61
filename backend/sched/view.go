package sched

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Running returns how many jobs are with agents.
func (s *State) Running() int { return len(s.jobs) - s.waiting }

// Waiting returns how many jobs wait for an agent.
func (s *State) Waiting() int { return s.waiting }

// Stopped reports whether new jobs are refused.
func (s *State) Stopped() bool { return s.stopped }

// View is what an operator may want to see of a State. It does not change.
type View struct {
	Stopped      bool
	Clients      int   // connections that said hello
	Waiting      int   // jobs
	WaitingBytes int64 // of them
	Running      int
	Agents       []AgentView       // in order of their first hello, those that are away last
	Environments []EnvironmentView // by name
	Listing      *Listing
}

// AgentView is an agent that said hello.
type AgentView struct {
	Peer         wire.Peer // its connection
	Name         string
	Addr         string
	Since        time.Time // of its first hello
	Slots        int
	Running      int
	Drained      bool
	Away         bool // without connection, may come back
	Environments []Name
}

// State returns ready, drained or away.
func (a AgentView) State() string {
	switch {
	case a.Away:
		return "away"
	case a.Drained:
		return "drained"
	}
	return "ready"
}

// EnvironmentView is an environment that somebody offers or wants.
type EnvironmentView struct {
	Name       Name
	Agents     int           // that have it
	Free       int           // of those, that have free slots
	Shown      bool          // to clients
	Advertised bool          // to clients, by the newest image
	Waiting    int           // jobs
	Lanes      [Lanes]int    // of those, by [Job.Lane]
	Next       time.Duration // how long the next of them has waited
}

// View returns what there is at now. It costs a copy of the agents and of the
// order of the queue.
func (s *State) View(now time.Time) *View {
	v := &View{Stopped: s.stopped, Waiting: s.waiting, WaitingBytes: s.bytes, Running: s.Running(), Listing: s.list()}
	for _, c := range s.clients {
		if c.known {
			v.Clients++
		}
	}
	for _, a := range slices.SortedFunc(maps.Values(s.agents), func(a, b *agent) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.peer, b.peer))
	}) {
		if a.known {
			v.Agents = append(v.Agents, a.view())
		}
	}
	for _, a := range s.away {
		v.Agents = append(v.Agents, a.view())
	}
	for _, t := range s.topics {
		v.Environments = append(v.Environments, t.view(now))
	}
	slices.SortFunc(v.Environments, func(a, b EnvironmentView) int {
		return cmp.Or(cmp.Compare(a.Name.Type, b.Name.Type), cmp.Compare(a.Name.Name, b.Name.Name))
	})
	return v
}

func (a *agent) view() AgentView {
	v := AgentView{
		Peer: a.peer, Name: a.name, Addr: a.addr, Since: a.since,
		Slots: a.slots, Running: len(a.jobs), Drained: a.drained, Away: !a.connected(),
	}
	for _, o := range a.offers {
		v.Environments = append(v.Environments, o.topic.name)
	}
	return v
}

func (t *topic) view(now time.Time) EnvironmentView {
	v := EnvironmentView{
		Name: t.name, Agents: len(t.versions.items), Free: len(t.free.items),
		Shown: t.shown, Advertised: t.advertised, Waiting: len(t.waiting.items), Lanes: t.lanes,
	}
	if e, ok := t.waiting.peek(); ok {
		v.Next = now.Sub(e.job.Accepted)
	}
	return v
}
