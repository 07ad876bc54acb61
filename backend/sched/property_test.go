package sched

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ingot-grading/ingot/wire"
)

// Whatever clients and agents do, the state stays consistent, no job is answered
// twice or after its connection is gone, no agent gets more jobs than it has slots,
// and in the end every job was answered.
func TestEveryJobIsAnsweredOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"client comes":   w.clientComes,
			"client goes":    w.clientGoes,
			"client submits": w.clientSubmits,
			"client kills":   w.clientKills,
			"client asks":    w.clientAsks,
			"agent comes":    w.agentComes,
			"agent breaks":   w.agentBreaks,
			"agent returns":  w.agentReturns,
			"agent starts":   w.agentStarts,
			"agent finishes": w.agentFinishes,
			"agent lies":     w.agentLies,
			"agent hello":    w.agentHello,
			"agent forgets":  w.agentForgets,
			"agent's twin":   w.agentTwin,
			"agent stops":    w.agentStops,
			"time passes":    func(t *rapid.T) { w.pass(rapid.IntRange(1, 20).Draw(t, "seconds")) },
			"time jumps":     func(*rapid.T) { w.now = w.now.Add(time.Hour) }, // the process was stopped
			"operator":       w.operator,
			"":               func(*rapid.T) { w.check() },
		})
		w.settle()
	})
}

// world is clients, agent processes and the state between them. Messages are
// delivered at once, or lost with a connection that is broken already.
type world struct {
	t       *rapid.T
	state   *State
	now     time.Time
	peers   wire.Peer
	clients []*wclient
	procs   []*wproc
	ids     int
}

// wclient is a connection of a client.
type wclient struct {
	peer wire.Peer
	old  bool
	open map[string]int // submissions without an answer, by id
}

// wproc is an agent process.
type wproc struct {
	peer    wire.Peer // 0: no connection
	routing string
	old     bool
	broken  bool // the connection is dead, but not yet known to be
	stops   bool // it takes no more jobs
	slots   int
	envs    []string
	jobs    map[agentKey]bool // true: it runs
	outbox  []agentKey        // results not delivered
}

func newWorld(t *rapid.T) *world {
	cfg := DefaultConfig()
	cfg.QueueLimit = rapid.SampledFrom([]int{0, 5}).Draw(t, "queue limit")
	cfg.ClientLimit = rapid.SampledFrom([]int{0, 7}).Draw(t, "client limit")
	cfg.RetryStarted = rapid.Bool().Draw(t, "retry")
	cfg.KeepOrphans = rapid.Bool().Draw(t, "keep orphans")
	cfg.Unrunnable = 30 * time.Second
	return &world{t: t, state: New(cfg), now: time.Unix(1, 0)}
}

// step lets the state take in ev, and everybody what follows.
func (w *world) step(ev Event) {
	effects := slices.Clone(w.state.Step(w.now, ev))
	if err := w.state.check(); err != nil {
		w.t.Fatalf("after %T %+v: %v", ev, ev, err)
	}
	for _, e := range effects {
		switch e := e.(type) {
		case ToClient:
			w.toClient(e)
		case ToAgent:
			w.toAgent(e)
		case JobSent:
			j := w.state.find(e.Job.Client, e.Job.Request.JobID)
			if j.agent != nil && len(j.agent.jobs) > j.agent.slots {
				w.t.Fatalf("agent has %d jobs and %d slots", len(j.agent.jobs), j.agent.slots)
			}
		case List:
			e.Listing.Do(e.Peer, func(*wire.BackendGetQueue) {})
		case DropAgent:
			if p := w.proc(e.Peer); p != nil {
				w.cut(p)
			}
		case DropClient:
			w.t.Fatalf("client dropped: %v", e.Cause)
		}
	}
}

func (w *world) toClient(e ToClient) {
	i := slices.IndexFunc(w.clients, func(c *wclient) bool { return c.peer == e.Peer })
	if i < 0 {
		w.t.Fatalf("%T for a connection that is gone", e.Msg)
	}
	c := w.clients[i]
	switch m := e.Msg.(type) {
	case *wire.BackendJobStarted:
		if c.open[m.JobID] == 0 {
			w.t.Fatalf("job %s starts and is not open", m.JobID)
		}
	case *wire.BackendJobDone:
		if c.open[m.JobID] == 0 {
			w.t.Fatalf("job %s is answered (%s %s) and is not open", m.JobID, m.Status, m.Text)
		}
		c.open[m.JobID]--
	}
}

func (w *world) toAgent(e ToAgent) {
	p := w.proc(e.Peer)
	if p == nil {
		w.t.Fatalf("%T for a connection that is gone", e.Msg)
	}
	if p.broken {
		return
	}
	switch m := e.Msg.(type) {
	case *wire.Ping:
		w.says(p, &wire.Pong{})
	case *wire.BackendNewJob:
		k := agentKey{string(m.Client), m.JobID}
		if rapid.IntRange(0, 9).Draw(w.t, "full") == 0 {
			w.step(AgentFull{e.Peer, k.client, k.id})
			return
		}
		if _, has := p.jobs[k]; has || p.stops {
			return // sent again after a reconnection, or left to others
		}
		p.jobs[k] = false
	case *wire.BackendKillJob:
		k := agentKey{string(m.Client), m.JobID}
		delete(p.jobs, k)
		if !slices.Contains(p.outbox, k) {
			p.outbox = append(p.outbox, k)
		}
		w.flush(p)
	}
}

func (w *world) proc(peer wire.Peer) *wproc {
	for _, p := range w.procs {
		if p.peer == peer {
			return p
		}
	}
	return nil
}

// says delivers a message of an agent, unless its connection is dead.
func (w *world) says(p *wproc, m wire.Message) bool {
	if p.peer == 0 || p.broken {
		return false
	}
	w.step(AgentMessage{p.peer, p.old, m})
	return true
}

// flush hands in results.
func (w *world) flush(p *wproc) {
	for len(p.outbox) > 0 && p.peer != 0 && !p.broken {
		k := p.outbox[0]
		p.outbox = p.outbox[1:]
		done := &wire.AgentJobDone{Client: k.routing(), JobID: k.id, Result: wire.Result{Status: "success"}}
		if rapid.IntRange(0, 9).Draw(w.t, "long") == 0 {
			w.step(AgentExcess{p.peer, done})
			continue
		}
		w.says(p, done)
	}
}

// cut makes a connection dead for good. A process that did not choose its
// routing id starts anew.
func (w *world) cut(p *wproc) {
	p.peer, p.broken = 0, false
	if p.routing == "" {
		p.jobs, p.outbox = map[agentKey]bool{}, nil
	}
}

func (w *world) check() {
	for _, c := range w.clients {
		for id, n := range c.open {
			j := w.state.jobs[w.state.clients[c.peer].key(id)]
			if n > 1 || n < 0 || n == 1 && (j == nil || j.Client != c.peer) {
				w.t.Fatalf("job %s has %d answers to come, and the state %+v", id, n, j)
			}
		}
	}
}

// settle lets all be well again, for long enough, and checks that all jobs were
// answered.
func (w *world) settle() {
	for _, p := range slices.Clone(w.procs) {
		w.step(AgentDown{p.peer})
		w.cut(p)
		w.connect(p)
	}
	w.join("", false, 3, environmentNames)
	for range 100 {
		w.pass(1)
		for _, p := range w.procs {
			w.finishAll(p)
		}
	}
	for _, c := range w.clients {
		for id, n := range c.open {
			if n != 0 {
				w.t.Fatalf("job %s was never answered", id)
			}
		}
	}
	if len(w.state.jobs) > 0 {
		w.t.Fatalf("%d jobs are left", len(w.state.jobs))
	}
}

func (w *world) finishAll(p *wproc) {
	for len(p.jobs) > 0 {
		k := slices.SortedFunc(keys(p.jobs), compare)[0]
		delete(p.jobs, k)
		p.outbox = append(p.outbox, k)
		w.flush(p)
	}
}

func (w *world) newID() string {
	w.ids++
	return fmt.Sprint("j", w.ids)
}
