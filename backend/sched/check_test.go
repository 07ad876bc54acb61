package sched

import (
	"errors"
	"fmt"
)

// check returns what is inconsistent about s, between two steps.
func (s *State) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	waits, runs, owned, bytes := 0, 0, 0, int64(0)
	for k, j := range s.jobs {
		if k != j.key || j.phase == ended {
			bad("job %s is in the table by another key, or ended", k.id)
		}
		if !j.owner.gone && s.clients[j.Client] != j.owner {
			bad("job %s: its client is not connected", k.id)
		}
		if j.owner.gone && j.phase == waiting {
			bad("job %s waits for a client that is gone", k.id)
		}
		if j.owner.jobs[j.ownerAt] != j {
			bad("job %s is not where its client looks for it", k.id)
		}
		if j.phase == waiting {
			waits++
			bytes += j.size
			if j.agent != nil || j.topic != s.topics[j.Environment()] || j.topic.waiting.items[j.waitsAt].job != j {
				bad("job %s waits but not in its topic", k.id)
			}
		} else {
			runs++
			if j.waitsAt != -1 || j.agent.jobs[j.as] != j {
				bad("job %s runs but its agent does not have it", k.id)
			}
		}
	}
	for _, c := range s.clients {
		owned += len(c.jobs)
	}
	for _, j := range s.jobs {
		if j.owner.gone {
			owned++
		}
	}
	if bytes != s.bytes {
		bad("%d bytes wait, want %d", bytes, s.bytes)
	}
	if owned != len(s.jobs) || waits != s.waiting {
		bad("%d jobs are owned and %d wait, want %d and %d", owned, waits, len(s.jobs), s.waiting)
	}
	agents := append([]*agent{}, s.away...)
	for p, a := range s.agents {
		agents = append(agents, a)
		if a.peer != p || !a.connected() {
			bad("agent %s has another connection", a.name)
		}
	}
	for _, a := range agents {
		runs -= len(a.jobs)
		errs = append(errs, s.checkAgent(a)...)
	}
	if runs != 0 {
		bad("agents have %d jobs less than run", runs)
	}
	return errors.Join(append(errs, s.checkTopics()...)...)
}

func (s *State) checkAgent(a *agent) (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if a.known && a.returns() && s.stable[a.life] != a {
		bad("agent %s would not be known again", a.name)
	}
	for _, o := range a.offers {
		t := o.topic
		if s.topics[t.name] != t || t.versions.items[o.versionAt] != o {
			bad("agent %s offers %s, which does not know", a.name, t.name)
		}
		if (o.freeAt >= 0) != (a.free() > 0) {
			bad("agent %s has %d free slots, bid at %d", a.name, a.free(), o.freeAt)
		}
		if o.freeAt >= 0 && (t.free.items[o.freeAt].offer != o || t.free.items[o.freeAt].slots != a.free()) {
			bad("agent %s: wrong bid for %s", a.name, t.name)
		}
	}
	return errs
}

func (s *State) checkTopics() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for n, t := range s.topics {
		if t.name != n {
			bad("topic %s is called %s", t.name, n)
		}
		if len(t.free.items) > 0 && len(t.waiting.items) > 0 {
			bad("%s has %d jobs waiting and %d agents free", n, len(t.waiting.items), len(t.free.items))
		}
		if t.lanes[0]+t.lanes[1]+t.lanes[2] != len(t.waiting.items) {
			bad("%s has %v jobs waiting by lane, %d in all", n, t.lanes, len(t.waiting.items))
		}
		if !t.shown && len(t.versions.items)+len(t.waiting.items) == 0 {
			bad("%s is needed by nobody", n)
		}
		if !ordered(&t.waiting) || !ordered(&t.free) || !ordered(&t.versions) {
			bad("%s: a heap is out of order", n)
		}
	}
	return errs
}

func ordered[T any](h *heap[T]) bool {
	for i := 1; i < len(h.items); i++ {
		if h.before(h.items[i], h.items[(i-1)/fanout]) {
			return false
		}
	}
	return true
}
