package sched

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/ingot-grading/ingot/wire"
)

// What may happen in a world. An action that needs somebody who is not there
// does nothing.

var environmentNames = []string{"a", "b", "c"}

func (w *world) clientComes(t *rapid.T) {
	w.peers++
	c := &wclient{peer: w.peers, old: rapid.Bool().Draw(t, "old"), open: map[string]int{}}
	w.clients = append(w.clients, c)
	w.step(ClientUp{c.peer, fmt.Sprint("\x00", c.peer), ""})
	w.step(ClientMessage{c.peer, c.old, &wire.ClientHello{}})
}

// someClient returns nil if there is none.
func (w *world) someClient(t *rapid.T) *wclient {
	if len(w.clients) == 0 {
		return nil
	}
	return rapid.SampledFrom(w.clients).Draw(t, "client")
}

func (w *world) clientGoes(t *rapid.T) {
	c := w.someClient(t)
	if c == nil {
		return
	}
	w.clients = slices.DeleteFunc(w.clients, func(d *wclient) bool { return c == d })
	w.step(ClientDown{c.peer})
}

func (w *world) clientSubmits(t *rapid.T) {
	c := w.someClient(t)
	if c == nil {
		return
	}
	for range rapid.IntRange(1, 4).Draw(t, "jobs") {
		w.submit(t, c)
	}
}

func (w *world) submit(t *rapid.T, c *wclient) {
	id := w.newID()
	if rapid.IntRange(0, 5).Draw(t, "reuse") == 0 {
		id = w.someID(t)
	}
	c.open[id]++
	if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
		w.step(ClientExcess{c.peer, &wire.ClientNewJob{JobID: id}})
		return
	}
	w.step(ClientMessage{c.peer, c.old, &wire.ClientNewJob{
		JobID: id, EnvironmentType: "t", Environment: rapid.SampledFrom(environmentNames).Draw(t, "environment"),
		Priority: rapid.Int64Range(0, 2).Draw(t, "priority"),
	}})
}

// someID is of a job, or of one that was or will be.
func (w *world) someID(t *rapid.T) string {
	return fmt.Sprint("j", rapid.IntRange(1, w.ids+1).Draw(t, "id"))
}

func (w *world) clientKills(t *rapid.T) {
	c := w.someClient(t)
	if c == nil {
		return
	}
	w.step(ClientMessage{c.peer, c.old, &wire.ClientKillJob{JobID: w.someID(t)}})
}

func (w *world) clientAsks(t *rapid.T) {
	c := w.someClient(t)
	if c == nil {
		return
	}
	w.step(ClientMessage{c.peer, c.old, &wire.ClientGetQueue{}})
}

func (w *world) agentComes(t *rapid.T) {
	routing := ""
	if rapid.Bool().Draw(t, "returns") {
		routing = fmt.Sprint(wire.IdentityPrefix, len(w.procs))
	}
	slots := rapid.IntRange(-1, 3).Draw(t, "slots")
	w.join(routing, rapid.Bool().Draw(t, "old"), slots, w.someEnvironments(t))
}

func (w *world) someEnvironments(t *rapid.T) []string {
	return rapid.SliceOfN(rapid.SampledFrom(environmentNames), 0, 3).Draw(t, "environments")
}

func (w *world) join(routing string, old bool, slots int, envs []string) {
	p := &wproc{routing: routing, old: old, slots: slots, envs: envs, jobs: map[agentKey]bool{}}
	w.procs = append(w.procs, p)
	w.connect(p)
}

func (w *world) connect(p *wproc) {
	w.peers++
	p.peer = w.peers
	w.step(AgentUp{p.peer, cmp.Or(p.routing, fmt.Sprint("\x00", p.peer)), ""})
	w.hello(p)
	w.flush(p)
	for _, k := range slices.SortedFunc(keys(p.jobs), compare) {
		if p.jobs[k] { // false: it has been killed meanwhile, or has not started
			w.says(p, &wire.AgentJobStarted{Client: k.routing(), JobID: k.id})
		}
	}
}

// agentStops makes an agent of ours say that it has no slots any more. What it
// did not start it forgets.
func (w *world) agentStops(t *rapid.T) {
	p := w.someProc(t, rapid.Bool().Draw(t, "connected"))
	if p == nil || p.routing == "" {
		return
	}
	p.slots, p.stops = 0, true
	maps.DeleteFunc(p.jobs, func(_ agentKey, started bool) bool { return !started })
	w.hello(p)
}

func (w *world) hello(p *wproc) {
	m := &wire.AgentHello{Slots: int64(p.slots)}
	for _, name := range p.envs {
		m.Environments = append(m.Environments, wire.Environment{Type: "t", Name: name, Advertised: true})
	}
	w.says(p, m)
}

// someProc returns nil if there is none.
func (w *world) someProc(t *rapid.T, connected bool) *wproc {
	var some []*wproc
	for _, p := range w.procs {
		if (p.peer != 0) == connected {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return rapid.SampledFrom(some).Draw(t, "agent")
}

// agentBreaks ends a connection, or makes it dead without anybody noticing.
func (w *world) agentBreaks(t *rapid.T) {
	p := w.someProc(t, true)
	if p == nil {
		return
	}
	if !p.broken && rapid.Bool().Draw(t, "silently") {
		p.broken = true
		return
	}
	peer := p.peer
	w.cut(p)
	w.step(AgentDown{peer})
}

// agentReturns connects again, also while the old connection is not known to be dead.
func (w *world) agentReturns(t *rapid.T) {
	p := w.someProc(t, rapid.Bool().Draw(t, "connected"))
	if p == nil || p.peer != 0 && !p.broken {
		return
	}
	old := p.peer
	w.cut(p)
	if old != 0 && p.routing == "" {
		w.step(AgentDown{old})
	}
	w.connect(p)
	w.step(AgentDown{old})
}

// someJob returns an agent and one of its jobs, if there are any.
func (w *world) someJob(t *rapid.T, connected bool) (p *wproc, k agentKey, ok bool) {
	p = w.someProc(t, connected)
	if p == nil || len(p.jobs) == 0 {
		return p, k, false
	}
	return p, rapid.SampledFrom(slices.SortedFunc(keys(p.jobs), compare)).Draw(t, "job"), true
}

func (w *world) agentStarts(t *rapid.T) {
	p, k, ok := w.someJob(t, true)
	if !ok {
		return
	}
	p.jobs[k] = true
	w.says(p, &wire.AgentJobStarted{Client: k.routing(), JobID: k.id})
}

func (w *world) agentFinishes(t *rapid.T) {
	p, k, ok := w.someJob(t, rapid.Bool().Draw(t, "connected"))
	if !ok {
		return
	}
	delete(p.jobs, k)
	p.outbox = append(p.outbox, k)
	w.flush(p)
}

// agentLies speaks of a job that it may not have.
func (w *world) agentLies(t *rapid.T) {
	p := w.someProc(t, true)
	id := w.someID(t)
	if p == nil || p.old {
		return
	}
	if _, has := p.jobs[agentKey{"", id}]; has {
		return // it would be no lie
	}
	w.says(p, rapid.SampledFrom([]wire.Message{
		&wire.AgentJobStarted{JobID: id}, &wire.AgentJobSSHDebug{JobID: id}, &wire.AgentJobDone{JobID: id},
	}).Draw(t, "lie"))
}

func (w *world) agentHello(t *rapid.T) {
	p := w.someProc(t, true)
	if p == nil || p.stops {
		return
	}
	p.slots, p.envs = rapid.IntRange(0, 3).Draw(t, "slots"), w.someEnvironments(t)
	if a := w.state.agents[p.peer]; a != nil {
		p.slots = max(p.slots, len(a.jobs)) // fewer is allowed, but then the check of slots means nothing
	}
	w.hello(p)
}

// agentForgets makes an agent lose a job that runs and its connection: it was
// put back to an earlier state, or a result did not get through.
func (w *world) agentForgets(t *rapid.T) {
	p, k, ok := w.someJob(t, true)
	if !ok || !p.jobs[k] {
		return
	}
	delete(p.jobs, k)
	peer := p.peer
	w.cut(p)
	w.step(AgentDown{peer})
}

// agentTwin makes a second process come with the routing id of another: a
// machine was copied while it ran, or somebody lies.
func (w *world) agentTwin(t *rapid.T) {
	if p := w.someProc(t, true); p != nil && p.routing != "" {
		w.join(p.routing, p.old, p.slots, w.someEnvironments(t))
	}
}

func (w *world) pass(seconds int) {
	for range seconds {
		w.now = w.now.Add(time.Second)
		w.step(Tick{})
	}
}

func (w *world) operator(t *rapid.T) {
	if rapid.Bool().Draw(t, "kill") {
		if c := w.someClient(t); c != nil {
			w.step(Kill{c.peer, w.someID(t)})
		}
		return
	}
	p := w.someProc(t, true)
	if p == nil {
		return
	}
	w.step(Drain{p.peer, true})
	w.step(Drain{p.peer, false})
}

func keys(m map[agentKey]bool) iter.Seq[agentKey] { return maps.Keys(m) }

func compare(a, b agentKey) int {
	return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.client, b.client))
}
