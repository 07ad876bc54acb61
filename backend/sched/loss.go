package sched

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// disconnected handles the end of an agent's connection. Who can be known again
// keeps its jobs for a while.
func (s *State) disconnected(a *agent) {
	delete(s.agents, a.peer)
	if !a.known {
		return
	}
	if !a.returns() || s.cfg.AgentGrace <= 0 {
		s.emit(a.left(false))
		s.lose(a)
		return
	}
	a.lost = s.now
	s.away = append(s.away, a)
	s.bid(a) // withdraws its slots
	s.emit(a.left(true))
	if a.slots == 0 && a.joined == 0 {
		s.giveUpUnstarted(a)
	}
}

// left tells that a is not there any more.
func (a *agent) left(grace bool) AgentLeft {
	return AgentLeft{a.name, len(a.jobs), grace, a.slots == 0 && len(a.jobs) == 0}
}

// giveUpUnstarted takes from an agent that stops what it did not start, and will not:
// on a connection on which it has said what runs, that came before its last hello.
func (s *State) giveUpUnstarted(a *agent) {
	for _, j := range a.sorted() {
		if j.phase == sent {
			s.takeBack(j)
		}
	}
}

// adopt gives known, an agent that was here before, the connection of fresh,
// which is the same process.
func (s *State) adopt(known, fresh *agent) {
	if known.connected() {
		delete(s.agents, known.peer)
		s.emit(DropAgent{known.peer, ErrReplaced})
	} else {
		s.away = slices.DeleteFunc(s.away, func(a *agent) bool { return a == known })
	}
	known.peer, known.addr = fresh.peer, fresh.addr
	known.lost, known.unanswered, known.full = time.Time{}, 0, false
	known.joined = s.next()
	known.back = known.joined
	s.agents[known.peer] = known
}

// remind sends again what an agent may have missed when its connection broke. An
// agent that did get it ignores it, and answers a kill of what it never got. What
// an agent without slots did not start goes to others. What had started, and is
// neither ended nor said to run, nobody will end: the agent is another than it
// was, or its result was lost.
func (s *State) remind(a *agent) {
	for _, j := range a.sorted() {
		switch {
		case j.turn > a.back:
		case j.killed:
			s.sendKill(j)
		case j.phase == sent && (a.slots == 0 || j.sends >= maxSends):
			s.takeBack(j)
		case j.phase == sent:
			s.sendJob(j)
		case j.said < a.joined:
			s.takeBack(j)
		}
	}
	a.back, a.joined = 0, 0
}

// lose gives up an agent: what had not started there is queued again, the rest
// is answered (PROTOCOL.md 2.6).
func (s *State) lose(a *agent) {
	if s.stable[a.life] == a {
		delete(s.stable, a.life)
	}
	jobs := a.sorted()
	for _, t := range s.dropOffers(a) { // first, so that no job comes back here
		s.show(t)
	}
	for _, j := range jobs {
		s.takeBack(j)
	}
}

// takeBack takes j from an agent that will not end it: it is queued again or
// answered.
func (s *State) takeBack(j *job) {
	switch {
	case j.killed:
		s.finish(j, EndKilled, j.result("killed", textKilled, wire.Nullable{}))
	case s.again(j):
		from := j.agent
		s.release(j)
		s.emit(JobRequeued{&j.Job, from.name})
		s.place(j)
	default:
		s.finish(j, EndAgentLost, j.result("crash", textLost, wire.Nullable{Null: true}))
	}
}

// again reports whether j, which its agent will not end, is to be queued again.
func (s *State) again(j *job) bool {
	if j.owner.gone || s.stopped || j.sends >= maxSends {
		return false
	}
	if j.phase == sent {
		return true
	}
	retry := s.cfg.RetryStarted && !j.retried
	j.retried = true
	return retry
}

// sorted returns a's jobs in the order they were sent.
func (a *agent) sorted() []*job {
	return slices.SortedFunc(maps.Values(a.jobs), func(i, j *job) int { return cmp.Compare(i.turn, j.turn) })
}
