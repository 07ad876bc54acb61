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
		if b.send(b.clients, e.Peer, e.Msg, b.clients.router.Send) != nil {
			b.drop(b.clients, e.Peer, "slow", errSlow)
			b.later = append(b.later, sched.ClientDown{Peer: e.Peer})
		}
	case sched.ToAgent:
		b.toAgent(e)
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
	case errors.Is(cause, sched.ErrNoHello):
		return "no hello"
	}
	return "replaced"
}

// spelled is the last message sent, to save spelling it once per receiver.
type spelled struct {
	msg   wire.Message
	gen   wire.Generation
	frame []byte
}

// toAgent sends to an agent. When much waits for it a job goes back to the
// scheduler, and a ping is left out: an agent that reads nothing is found silent.
// Anything else must not be lost and has a larger queue; when that is full, its
// connection is lost.
func (b *Backend) toAgent(e sched.ToAgent) {
	p := b.agents.peers[e.Peer]
	if p == nil {
		return
	}
	job, isJob := e.Msg.(*wire.BackendNewJob)
	_, isPing := e.Msg.(*wire.Ping)
	put := b.agents.router.Send
	if isJob || isPing {
		put = b.agents.router.Offer
	}
	if refused := isJob && p.full; !refused && b.send(b.agents, e.Peer, e.Msg, put) == nil {
		return
	}
	switch {
	case isJob:
		p.full = true
		b.later = append(b.later, sched.AgentFull{Peer: e.Peer, Client: string(job.Client), JobID: job.JobID})
	case !isPing:
		b.drop(b.agents, e.Peer, "slow", errSlow)
		b.later = append(b.later, sched.AgentDown{Peer: e.Peer})
	}
}

// send queues m for a peer with put, the Send or the Offer of its router. The error
// is [wire.ErrQueueFull]. A peer that is gone is no error: the state is being told.
func (b *Backend) send(s *side, id wire.Peer, m wire.Message, put func(wire.Peer, []byte) error) error {
	p := s.peers[id]
	if p == nil {
		return nil
	}
	if gen := p.dialect.Generation(); b.spelled.msg != m || b.spelled.gen != gen {
		frame, err := p.dialect.Append(make([]byte, 0, room(m)), m)
		if err != nil { // nothing that the scheduler sends
			b.log.Error("cannot encode a message", "err", err)
			return nil
		}
		b.spelled = spelled{m, gen, frame}
	}
	b.metrics.message(s.name, m, true)
	if err := put(id, b.spelled.frame); errors.Is(err, wire.ErrQueueFull) {
		return err
	}
	return nil
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
