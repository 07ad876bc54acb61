package sched

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// helloWithin is how long a connection may be up without a hello. Honest peers begin
// with it, or follow an Unknown or their own timeouts, of about ten seconds.
const helloWithin = 30 * time.Second

// tick pings the agents and does what is due.
func (s *State) tick() {
	if s.overdue {
		s.listing, s.overdue = nil, false
	}
	for len(s.away) > 0 && s.now.Sub(s.away[0].lost) >= s.cfg.AgentGrace {
		a := s.away[0]
		s.away = slices.Delete(s.away, 0, 1)
		if len(a.jobs) > 0 {
			s.emit(a.left(false))
		}
		s.lose(a)
	}
	for _, p := range slices.Sorted(maps.Keys(s.agents)) {
		a := s.agents[p]
		switch {
		case !a.known && s.now.Sub(a.up) >= helloWithin:
			s.emit(DropAgent{p, ErrNoHello})
			s.disconnected(a)
		case !a.known:
		case a.unanswered >= max(s.cfg.MaxUnanswered, 1):
			s.emit(DropAgent{p, ErrSilent})
			s.disconnected(a)
		default:
			a.unanswered++
			s.emit(ToAgent{p, &wire.Ping{}})
		}
	}
	for _, p := range slices.Sorted(maps.Keys(s.clients)) {
		if c := s.clients[p]; !c.known && s.now.Sub(c.up) >= helloWithin {
			s.emit(DropClient{p, ErrNoHello})
			s.forget(c)
		}
	}
	for _, t := range s.orphans() {
		s.expire(t)
		s.show(t)
	}
}

// orphans returns the topics that no agent has, in order of appearance.
func (s *State) orphans() []*topic {
	var list []*topic
	for _, t := range s.topics {
		if len(t.versions.items) == 0 {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *topic) int { return cmp.Compare(a.seq, b.seq) })
	return list
}

// expire answers the jobs that have waited too long for an agent to come.
func (s *State) expire(t *topic) {
	if s.cfg.Unrunnable <= 0 || s.now.Before(t.expiry) {
		return
	}
	var due []*job
	t.expiry = s.now.Add(s.cfg.Unrunnable)
	for _, e := range t.waiting.items {
		if at := s.expires(e.job); at.After(s.now) {
			t.expiry = earlier(t.expiry, at)
		} else {
			due = append(due, e.job)
		}
	}
	slices.SortFunc(due, func(a, b *job) int { return cmp.Compare(a.seq, b.seq) })
	for _, j := range due {
		s.finish(j, EndUnrunnable, j.result("crash", textUnrunnable, wire.Nullable{}))
	}
}

// expires returns when j, whose topic has no agent, is given up.
func (s *State) expires(j *job) time.Time {
	since := j.Accepted
	if t := j.topic; t.orphaned.After(since) {
		since = t.orphaned
	}
	return since.Add(s.cfg.Unrunnable)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// stop answers what waits, and with now set what runs as well.
func (s *State) stop(now bool) {
	s.stopped = true
	var jobs []*job
	for _, j := range s.jobs {
		if j.phase == waiting || now {
			jobs = append(jobs, j)
		}
	}
	slices.SortFunc(jobs, func(a, b *job) int { return cmp.Compare(a.seq, b.seq) })
	for _, j := range jobs {
		if j.phase != waiting {
			s.killRunning(j)
		}
		s.finish(j, EndStopped, j.result("crash", textStopped, wire.Nullable{}))
	}
	if len(jobs) > 0 {
		s.emit(JobsStopped{len(jobs)})
	}
	for _, a := range s.agents {
		s.bid(a)
	}
}
