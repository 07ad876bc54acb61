package backend

import (
	"bytes"
	"errors"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
)

// side is one socket with the peers on it.
type side struct {
	name   string // for logs and metrics
	router wire.Router
	peers  map[wire.Peer]*peer
}

func newSide(name string, r wire.Router) *side {
	return &side{name: name, router: r, peers: map[wire.Peer]*peer{}}
}

// peer is a connection as Run sees it. It is forgotten when it ends or is
// dropped; what still comes from it then is ignored.
type peer struct {
	addr    string
	dialect *wire.Dialect
	full    bool // it has not said anything since there was no room for a job
}

// old reports whether the peer speaks 0.6 or older.
func (p *peer) old() bool { return p.dialect.Generation() <= wire.G6 }

var (
	errSlow   = errors.New("the peer does not read what it is sent")
	errExcess = errors.New("longer than a message may be")
)

func (b *Backend) onAgent(ev wire.Event) {
	switch ev.Kind {
	case wire.PeerUp:
		b.up(b.agents, ev)
		b.step(sched.AgentUp{Peer: ev.Peer, RoutingID: ev.RoutingID, Addr: ev.Addr})
	case wire.PeerMessage:
		if p, m := b.decode(b.agents, ev); m != nil {
			b.step(sched.AgentMessage{Peer: ev.Peer, Old: p.old(), Msg: m})
			if _, ok := m.(*wire.AgentJobDone); ok {
				b.agents.router.Release(ev.Frame) // what is sent on was copied, and nothing else is kept
			}
		}
	case wire.PeerExcess:
		b.excess(b.agents, ev.Peer, ev.Excess, errExcess)
	case wire.PeerAlive:
		if b.agents.peers[ev.Peer] != nil {
			b.step(sched.AgentAlive{Peer: ev.Peer})
		}
	case wire.PeerDown:
		if b.down(b.agents, ev) {
			b.step(sched.AgentDown{Peer: ev.Peer})
		}
	}
}

func (b *Backend) onClient(ev wire.Event) {
	switch ev.Kind {
	case wire.PeerUp:
		b.up(b.clients, ev)
		b.step(sched.ClientUp{Peer: ev.Peer, RoutingID: ev.RoutingID, Addr: ev.Addr})
	case wire.PeerMessage:
		if p, m := b.decode(b.clients, ev); m != nil {
			b.step(sched.ClientMessage{Peer: ev.Peer, Old: p.old(), Msg: m})
		}
	case wire.PeerExcess:
		b.excess(b.clients, ev.Peer, ev.Excess, errExcess)
	case wire.PeerDown:
		if b.down(b.clients, ev) {
			b.step(sched.ClientDown{Peer: ev.Peer})
		}
	}
}

func (b *Backend) up(s *side, ev wire.Event) {
	s.peers[ev.Peer] = &peer{addr: ev.Addr, dialect: wire.NewLearner(b.cfg.Limits)}
	b.log.Debug("connected", "side", s.name, "peer", ev.Peer, "addr", ev.Addr)
}

// down forgets a peer that is gone. False: it was forgotten before.
func (b *Backend) down(s *side, ev wire.Event) bool {
	p := s.peers[ev.Peer]
	if p == nil {
		return false
	}
	delete(s.peers, ev.Peer)
	b.log.Debug("disconnected", "side", s.name, "peer", ev.Peer, "addr", p.addr, "err", ev.Err)
	return true
}

// decode returns the message of ev and who sent it. The message is nil if the
// peer was dropped, now or before.
func (b *Backend) decode(s *side, ev wire.Event) (*peer, wire.Message) {
	p := s.peers[ev.Peer]
	if p == nil {
		return nil, nil
	}
	m, err := p.dialect.Decode(ev.Frame)
	switch {
	case errors.Is(err, wire.ErrLimit):
		m, _ = wire.Skim(bytes.NewReader(ev.Frame)) // the first error says more
		b.excess(s, ev.Peer, m, err)
		return nil, nil
	case err != nil:
		b.reject(s, ev.Peer, err)
		return nil, nil
	}
	p.full = false
	b.metrics.message(s.name, m, false)
	return p, m
}

// excess answers a message that goes over a limit, as cause says. M is what could
// be told of it, or nil. Who sends what cannot be answered is dropped.
func (b *Backend) excess(s *side, id wire.Peer, m wire.Message, cause error) {
	p := s.peers[id]
	if p == nil {
		return
	}
	b.log.Warn("message over a limit", "side", s.name, "peer", id, "addr", p.addr, "err", cause)
	switch m := m.(type) {
	case *wire.ClientNewJob:
		if s == b.clients {
			b.step(sched.ClientExcess{Peer: id, Msg: m})
			return
		}
	case *wire.AgentJobDone:
		if s == b.agents {
			b.step(sched.AgentExcess{Peer: id, Msg: m})
			return
		}
	}
	b.reject(s, id, cause)
}

// reject drops a peer that sent what it never should, and tells the state.
func (b *Backend) reject(s *side, id wire.Peer, cause error) {
	b.drop(s, id, "bad message", cause)
	if s == b.agents {
		b.step(sched.AgentDown{Peer: id})
	} else {
		b.step(sched.ClientDown{Peer: id})
	}
}

// drop ends the connection of a peer that misbehaves. The reason is for metrics.
func (b *Backend) drop(s *side, id wire.Peer, reason string, cause error) {
	p := s.peers[id]
	if p == nil {
		return
	}
	delete(s.peers, id)
	s.router.Drop(id, cause)
	b.metrics.dropped.WithLabelValues(s.name, reason).Inc()
	b.log.Warn("connection dropped", "side", s.name, "peer", id, "addr", p.addr, "err", cause)
}
