package sched

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// State is all that the scheduler knows. It belongs to one goroutine.
type State struct {
	cfg     Config
	stopped bool

	clients map[wire.Peer]*client
	agents  map[wire.Peer]*agent // connected
	stable  map[string]*agent    // those that said hello and can be known again, by life
	away    []*agent             // of stable, without a connection, the longest away first
	jobs    map[key]*job
	topics  map[Name]*topic
	waiting int   // jobs
	bytes   int64 // of them

	offered *wire.BackendUpdateEnvironments // what clients were told last
	stale   bool                            // and may not be true any more
	listing *Listing                        // nil until asked for
	overdue bool                            // listing is of an earlier queue

	// Of the present step.
	now time.Time
	out []Effect

	turns uint64 // numbers things in their order
}

// New returns a State without clients, agents and jobs.
func New(cfg Config) *State {
	return &State{
		cfg:     cfg,
		clients: map[wire.Peer]*client{},
		agents:  map[wire.Peer]*agent{},
		stable:  map[string]*agent{},
		jobs:    map[key]*job{},
		topics:  map[Name]*topic{},
		offered: &wire.BackendUpdateEnvironments{},
	}
}

// Step takes in what happened at now and returns what to do about it, in order.
// now must not run backwards. The slice is reused by the next Step, what is in
// it is not.
func (s *State) Step(now time.Time, ev Event) []Effect {
	s.now = now
	clear(s.out)
	s.out = s.out[:0]
	switch ev := ev.(type) {
	case ClientUp:
		s.clients[ev.Peer] = &client{peer: ev.Peer, routing: ev.RoutingID, addr: ev.Addr, up: s.now}
	case ClientMessage:
		if c := s.clients[ev.Peer]; c != nil {
			s.onClient(c, ev)
		}
	case ClientExcess:
		if c := s.clients[ev.Peer]; c != nil {
			s.onClientExcess(c, ev.Msg)
		}
	case ClientDown:
		if c := s.clients[ev.Peer]; c != nil {
			s.forget(c)
		}
	case AgentUp:
		s.welcome(&agent{peer: ev.Peer, life: wire.LifeOf(ev.RoutingID), addr: ev.Addr, up: s.now})
	case AgentMessage:
		if a := s.agents[ev.Peer]; a != nil {
			s.onAgent(a, ev)
		}
	case AgentExcess:
		if a := s.agents[ev.Peer]; a != nil {
			s.onAgentExcess(a, ev.Msg)
		}
	case AgentFull:
		s.onAgentFull(s.agents[ev.Peer], agentKey{ev.Client, ev.JobID})
	case AgentAlive:
		if a := s.agents[ev.Peer]; a != nil {
			a.unanswered = 0
		}
	case AgentDown:
		if a := s.agents[ev.Peer]; a != nil {
			s.disconnected(a)
		}
	case Tick:
		s.tick()
	case Drain:
		s.drain(s.agents[ev.Agent], ev.On)
	case Kill:
		s.kill(s.find(ev.Client, ev.JobID))
	case Configure:
		s.cfg = ev.Config
		for _, t := range s.topics {
			t.expiry = time.Time{}
		}
	case Stop:
		s.stop(ev.Now)
	}
	if s.stale {
		s.publish()
	}
	return s.out
}

// find returns the job that the client on connection p called id, or nil. The
// client may be gone.
func (s *State) find(p wire.Peer, id string) *job {
	if c := s.clients[p]; c != nil {
		return s.jobs[c.key(id)]
	}
	for _, j := range s.jobs {
		if j.Client == p && j.Request.JobID == id {
			return j
		}
	}
	return nil
}

func (s *State) emit(e Effect) { s.out = append(s.out, e) }

func (s *State) next() uint64 {
	s.turns++
	return s.turns
}

// publish tells every client which environments there are, if that changed.
func (s *State) publish() {
	s.stale = false
	offered := s.environments()
	if slices.EqualFunc(s.offered.Available, offered.Available, func(a, b wire.EnvironmentNames) bool {
		return a.Type == b.Type && slices.Equal(a.Names, b.Names)
	}) {
		return
	}
	s.offered = offered
	for _, p := range slices.Sorted(maps.Keys(s.clients)) {
		if s.clients[p].known {
			s.emit(ToClient{p, offered})
		}
	}
}

// environments lists what clients may ask for, in order of appearance. A type
// whose environments are all unadvertised stays, with no names (PROTOCOL.md 1.6).
func (s *State) environments() *wire.BackendUpdateEnvironments {
	var shown []*topic
	for _, t := range s.topics {
		if t.shown {
			shown = append(shown, t)
		}
	}
	slices.SortFunc(shown, func(a, b *topic) int { return cmp.Compare(a.seq, b.seq) })
	var list []wire.EnvironmentNames
	at := map[string]int{}
	for _, t := range shown {
		i, ok := at[t.name.Type]
		if !ok {
			i = len(list)
			at[t.name.Type] = i
			list = append(list, wire.EnvironmentNames{Type: t.name.Type})
		}
		if t.advertised {
			list[i].Names = append(list[i].Names, t.name.Name)
		}
	}
	return &wire.BackendUpdateEnvironments{Available: list}
}
