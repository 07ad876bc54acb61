package cluster

import (
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// patience is how long a cluster may take to answer all jobs once nothing
// breaks any more. In a bubble it costs nothing.
const patience = time.Hour

// Option changes what [Start] starts.
type Option func(*settings)

type settings struct {
	agents, slots int
	drain         time.Duration
	network       wiretest.Config
	backend       backend.Config
}

// Agents says how many agents there are, called a1, a2 and so on. Default 1.
func Agents(n int) Option { return func(s *settings) { s.agents = n } }

// Slots says how many slots each agent has. Default 1.
func Slots(n int) Option { return func(s *settings) { s.slots = n } }

// Drain says how long agents and the backend go on for running jobs when they
// are told to stop. Default 10 s.
func Drain(d time.Duration) Option {
	return func(s *settings) { s.drain, s.backend.Drain = d, d }
}

// Queue says how many messages of the backend may wait for a peer. What agents and
// clients send is not bounded.
func Queue(n int) Option {
	return func(s *settings) { s.network.QueueMessages, s.network.DealerQueue = n, math.MaxInt }
}

// Sched changes the scheduler's configuration.
func Sched(change func(*sched.Config)) Option {
	return func(s *settings) { change(&s.backend.Sched) }
}

// Cluster is a backend with its agents and clients. Its methods belong to the
// goroutine of the test.
type Cluster struct {
	t       *testing.T
	set     settings
	log     *slog.Logger
	net     *wiretest.Network
	book    *book
	backend *backendProcess
	agents  map[string]*Agent // the last process of each name
	clients []*Client
	lives   int // processes of agents there ever were
	ids     int
}

// Start starts a cluster with one client and returns when that client has been
// told of the agents' environment. The end of the test ends it.
func Start(t *testing.T, options ...Option) *Cluster {
	t.Helper()
	set := settings{agents: 1, slots: 1}
	set.backend.Sched = sched.DefaultConfig()
	Drain(10 * time.Second)(&set)
	for _, o := range options {
		o(&set)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	set.backend.Log = log.With("process", "backend")
	c := &Cluster{
		t: t, set: set, log: log, net: wiretest.NewNetwork(set.network), agents: map[string]*Agent{},
		book: newBook(set.slots, set.backend.Sched.AgentGrace),
	}
	t.Cleanup(c.close)
	c.StartBackend()
	for i := range set.agents {
		c.StartAgent(fmt.Sprint("a", i+1))
	}
	first := c.NewClient()
	if set.agents > 0 {
		first.awaitEnvironment()
	}
	return c
}

// close ends every process at once and waits for it.
func (c *Cluster) close() {
	for _, cl := range c.clients {
		cl.Disconnect()
	}
	for _, a := range c.agents {
		a.Kill()
	}
	c.KillBackend()
	for _, bad := range c.book.faults() {
		c.t.Error(bad)
	}
}

// Agent returns the last process that was started with that name.
func (c *Cluster) Agent(name string) *Agent { return c.agents[name] }

// Client returns the i-th client. The first, which Start made, is number 0.
func (c *Cluster) Client(i int) *Client { return c.clients[i] }

// Submit submits n jobs by the first client and returns their ids.
func (c *Cluster) Submit(n int, work Work) []string { return c.clients[0].Submit(n, work) }

// newID returns an id that no job has yet.
func (c *Cluster) newID() string {
	c.ids++
	return fmt.Sprint("j", c.ids)
}

// WantEachJobDoneOnce waits until no client waits for a job and fails the test
// if that does not happen, or if anything happened that never may.
func (c *Cluster) WantEachJobDoneOnce() {
	c.t.Helper()
	c.WantEachJobDoneOnceBy(c.clients...)
}

// WantEachJobDoneOnceBy is WantEachJobDoneOnce for the jobs of some clients.
func (c *Cluster) WantEachJobDoneOnceBy(clients ...*Client) {
	c.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		open, changed := c.book.open(clients)
		if len(open) == 0 {
			break
		}
		select {
		case <-changed:
		case <-limit.C:
			c.t.Fatalf("%d jobs were not answered within %v: %.20v", len(open), patience, open)
		}
	}
	for _, bad := range c.book.faults() {
		c.t.Error(bad)
	}
}

// Results returns how many jobs ended with which status, at all clients.
func (c *Cluster) Results() map[string]int { return c.book.results() }

// Answer returns the status of a job's first result, "" if there is none.
func (c *Cluster) Answer(id string) string { return c.book.answer(id) }

// Runs returns how often a job began to run.
func (c *Cluster) Runs(id string) int { return c.book.runsOf(id) }

// Running returns how many jobs run, at all agents.
func (c *Cluster) Running() int { return c.book.runningNow() }
