package backend

import (
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
}

// old reports whether the peer speaks 0.6 or older.
func (p *peer) old() bool { return p.dialect.Generation() <= wire.G6 }

var errSlow = errors.New("the peer does not read what it is sent")

func (b *Backend) onAgent(ev wire.Event) {
	switch ev.Kind {
	case wire.PeerUp:
		b.up(b.agents, ev)
		b.step(sched.AgentUp{Peer: ev.Peer, RoutingID: ev.RoutingID, Addr: ev.Addr})
	case wire.PeerMessage:
		if p, m := b.decode(b.agents, ev); m != nil {
			b.step(sched.AgentMessage{Peer: ev.Peer, Old: p.old(), Msg: m})
		}
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
	if err != nil {
		b.drop(s, ev.Peer, "bad message", err)
		if s == b.agents {
			b.step(sched.AgentDown{Peer: ev.Peer})
		} else {
			b.step(sched.ClientDown{Peer: ev.Peer})
		}
		return nil, nil
	}
	b.metrics.message(s.name, m, false)
	return p, m
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
