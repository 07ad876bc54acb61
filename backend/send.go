package backend

import (
	"errors"
	"time"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
)

// step takes in an event and carries out what follows.
func (b *Backend) step(ev sched.Event) {
	for {
		for _, e := range b.state.Step(time.Now(), ev) {
			b.do(e)
		}
		if len(b.later) == 0 {
			return
		}
		ev = b.later[0]
		b.later = b.later[1:]
	}
}

// do carries out one effect.
func (b *Backend) do(e sched.Effect) {
	switch e := e.(type) {
	case sched.ToClient:
		if !b.send(b.clients, e.Peer, e.Msg) {
			b.later = append(b.later, sched.ClientDown{Peer: e.Peer})
		}
	case sched.ToAgent:
		if !b.send(b.agents, e.Peer, e.Msg) {
			b.later = append(b.later, sched.AgentDown{Peer: e.Peer})
		}
	case sched.List:
		if p := b.clients.peers[e.Peer]; p != nil {
			b.list.add(e.Peer, p.dialect.Generation(), e.Listing)
		}
	case sched.DropClient:
		b.drop(b.clients, e.Peer, reason(e.Cause), e.Cause)
	case sched.DropAgent:
		b.drop(b.agents, e.Peer, reason(e.Cause), e.Cause)
	default:
		b.metrics.fact(e)
		b.report(e)
	}
}

// reason names why the scheduler wants a connection dropped.
func reason(cause error) string {
	switch {
	case errors.Is(cause, sched.ErrUnexpected):
		return "unexpected message"
	case errors.Is(cause, sched.ErrSilent):
		return "silent"
	}
	return "replaced"
}

// spelled is the last message sent, to save spelling it once per receiver.
type spelled struct {
	msg   wire.Message
	gen   wire.Generation
	frame []byte
}

// send queues m for a peer. False: the peer had to be dropped.
func (b *Backend) send(s *side, id wire.Peer, m wire.Message) bool {
	p := s.peers[id]
	if p == nil {
		return true // it is gone, and the state is being told
	}
	if gen := p.dialect.Generation(); b.spelled.msg != m || b.spelled.gen != gen {
		frame, err := p.dialect.Append(make([]byte, 0, room(m)), m)
		if err != nil {
			b.drop(s, id, "cannot encode", err)
			return false
		}
		b.spelled = spelled{m, gen, frame}
	}
	b.metrics.message(s.name, m, true)
	err := s.router.Send(id, b.spelled.frame)
	if errors.Is(err, wire.ErrQueueFull) {
		b.drop(s, id, "slow", errSlow)
		return false
	}
	return true
}

// room guesses at the length of m's frame, so that it is allocated once and an
// archive is copied once.
func room(m wire.Message) int {
	const small = 128 // names, ids and numbers
	switch m := m.(type) {
	case *wire.BackendNewJob:
		return 3*small + len(m.TaskProblems) + len(m.InputData) + len(m.Parameters) + len(m.JobID)
	case *wire.BackendJobDone:
		return 2*small + len(m.JobID) + len(m.Text) + len(m.Problems) + len(m.Tests) + len(m.Custom) +
			len(m.State) + len(m.Archive) + len(m.Stdout.Value) + len(m.Stderr.Value)
	}
	return small
}
