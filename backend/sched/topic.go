package sched

import (
	"cmp"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// topic is an environment: who waits for it and who offers it. It exists
// as long as either does, or clients are still told of it.
type topic struct {
	name     Name
	seq      uint64 // order of appearance
	waiting  heap[entry]
	lanes    [Lanes]int   // of waiting, by lane
	free     heap[bid]    // connected agents with free slots
	versions heap[*offer] // all agents that have it, the newest image first

	shown      bool // clients are told of it
	advertised bool // by the newest image

	orphaned time.Time // since when there is no agent, if there is none
	expiry   time.Time // no job expires before; zero: unknown
}

// entry is a waiting job in its topic, with its rank.
type entry struct {
	priority int64
	seq      uint64
	job      *job
}

func (e entry) before(f entry) bool {
	if e.priority != f.priority {
		return e.priority < f.priority
	}
	return e.seq < f.seq
}

func (e entry) compare(f entry) int {
	return cmp.Or(cmp.Compare(e.priority, f.priority), cmp.Compare(e.seq, f.seq))
}

// bid is an agent's offer of free slots in one topic, with its rank.
type bid struct {
	slots int
	turn  uint64 // of the agent's last change: the one that waited longest first
	offer *offer
}

func (b bid) before(c bid) bool {
	if b.slots != c.slots {
		return b.slots > c.slots
	}
	return b.turn < c.turn
}

// offer is an environment of an agent.
type offer struct {
	agent      *agent
	topic      *topic
	image      string
	created    float64
	advertised bool
	turn       uint64
	freeAt     int // in topic.free, -1 if not there
	versionAt  int // in topic.versions
}

// newer orders versions of an image: the later created, else the later
// announced, first (PROTOCOL.md 2.5).
func (o *offer) newer(p *offer) bool {
	if o.created != p.created {
		return o.created > p.created
	}
	return o.turn > p.turn
}

// topic returns the topic called n, which is made if it is new.
func (s *State) topic(n Name) *topic {
	if t := s.topics[n]; t != nil {
		return t
	}
	t := &topic{
		name:     n,
		seq:      s.next(),
		orphaned: s.now,
		waiting:  heap[entry]{before: entry.before, moved: func(e entry, at int) { e.job.waitsAt = at }},
		free:     heap[bid]{before: bid.before, moved: func(b bid, at int) { b.offer.freeAt = at }},
		versions: heap[*offer]{before: (*offer).newer, moved: func(o *offer, at int) { o.versionAt = at }},
	}
	s.topics[n] = t
	return t
}

// addOffer makes a one of those who have env, if it is not yet. It returns what is to
// be told if others have another image, or nil.
func (s *State) addOffer(a *agent, env wire.Environment) (differs *VersionsDiffer) {
	t := s.topic(newName(env.Type, env.Name))
	if a.topics[t] {
		return nil // twice in one hello
	}
	a.topics[t] = true
	image := clip(env.ID)
	if newest, ok := t.versions.peek(); ok && newest.image != image {
		differs = &VersionsDiffer{t.name, a.name, image, newest.image}
	}
	o := &offer{agent: a, topic: t, image: image, created: env.Created, advertised: env.Advertised, turn: s.next(), freeAt: -1}
	a.offers = append(a.offers, o)
	t.versions.push(o)
	s.show(t)
	return differs
}

// dropOffers makes a none of those who have anything. The caller has to call
// show for the topics returned, once a has its new offers, if any.
func (s *State) dropOffers(a *agent) []*topic {
	var dropped []*topic
	for _, o := range a.offers {
		t := o.topic
		if o.freeAt >= 0 {
			t.free.remove(o.freeAt)
		}
		t.versions.remove(o.versionAt)
		if len(t.versions.items) == 0 {
			t.orphaned = s.now
		}
		dropped = append(dropped, t)
	}
	a.offers, a.topics = nil, map[*topic]bool{}
	return dropped
}

// show works out whether clients are to be told of t, and forgets a topic that
// nobody needs.
func (s *State) show(t *topic) {
	shown, advertised := t.shown, t.advertised
	if newest, ok := t.versions.peek(); ok {
		t.shown, t.advertised = true, newest.advertised
	} else if s.now.Sub(t.orphaned) >= s.cfg.EnvironmentGrace {
		t.shown, t.advertised = false, false
	}
	if t.shown != shown || t.advertised != advertised {
		s.stale = true
	}
	if t.shown && !shown {
		t.seq = s.next()
	}
	if !t.shown && len(t.versions.items) == 0 && len(t.waiting.items) == 0 {
		delete(s.topics, t.name)
	}
}
