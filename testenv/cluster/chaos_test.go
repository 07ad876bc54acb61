package cluster_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/testenv/cluster"
)

var seed = flag.Uint64("seed", 0, "repeat the random faults of this number")

const (
	chaosAgents = 10
	chaosSlots  = 3
	chaosJobs   = 1000
)

// Ten agents and a thousand jobs. Every few seconds something breaks.
func TestRandomFaults(t *testing.T) {
	seeds := []uint64{1, 2, 3, rand.Uint64()}
	if *seed != 0 {
		seeds = []uint64{*seed}
	}
	for _, seed := range seeds {
		for name, backendToo := range map[string]bool{"agents and clients": false, "the backend too": true} {
			t.Run(fmt.Sprintf("%s, -seed=%d", name, seed), func(t *testing.T) {
				in(t, func(t *testing.T, c *cluster.Cluster) {
					newChaos(c, seed, backendToo).run()
				}, cluster.Agents(chaosAgents), cluster.Slots(chaosSlots), cluster.Drain(15*time.Second))
			})
		}
	}
}

// chaos breaks a cluster. It has one fault at a time of each agent.
type chaos struct {
	c       *cluster.Cluster
	r       *rand.Rand
	backend bool                 // may break too
	mend    map[string]func()    // what is broken, by agent
	due     map[string]time.Time // when it is to be mended
	clients []*cluster.Client    // that come and go
	ids     map[*cluster.Client][]string
}

func newChaos(c *cluster.Cluster, seed uint64, backend bool) *chaos {
	return &chaos{
		c: c, r: rand.New(rand.NewPCG(seed, 0)), backend: backend,
		mend: map[string]func(){}, due: map[string]time.Time{}, ids: map[*cluster.Client][]string{},
	}
}

// run submits all jobs among faults, mends all, and wants what always holds.
func (x *chaos) run() {
	steady := x.c.Client(0)
	for submitted := 0; submitted < chaosJobs; {
		time.Sleep(x.duration(2 * time.Second))
		x.mendDue(time.Now())
		switch x.r.IntN(10) {
		case 0, 1, 2:
			x.breakAgent()
		case 3:
			x.visit()
		case 4:
			if ids := x.ids[steady]; len(ids) > 0 {
				steady.Kill(ids[x.r.IntN(len(ids))])
			}
		case 5:
			if x.backend && x.r.IntN(10) == 0 {
				x.c.RestartBackend()
			}
		default:
			n := min(x.r.IntN(20), chaosJobs-submitted)
			submitted += n
			x.submit(steady, n)
		}
	}
	x.mendDue(time.Now().Add(time.Hour))
	x.c.WantEachJobDoneOnce()
}

// duration is a random time, mostly far below most.
func (x *chaos) duration(most time.Duration) time.Duration {
	f := x.r.Float64()
	return time.Duration(f * f * f * float64(most))
}

func (x *chaos) submit(by *cluster.Client, n int) {
	for range n {
		x.ids[by] = append(x.ids[by], by.Submit(1, cluster.Sleep(x.duration(20*time.Second)))...)
	}
}

// visit makes a client come with jobs, go, come back with the identity that it had,
// or lose its connection.
func (x *chaos) visit() {
	i := x.r.IntN(4)
	if i >= len(x.clients) {
		x.clients = append(x.clients, x.c.NewClientAs(fmt.Sprint("webapp ", i)))
		x.submit(x.clients[len(x.clients)-1], x.r.IntN(10))
		return
	}
	switch cl := x.clients[i]; x.r.IntN(4) {
	case 0:
		cl.Disconnect()
		x.clients = append(x.clients[:i], x.clients[i+1:]...)
	case 1:
		cl.Cut()
	case 2:
		cl.Vanish()
		x.clients[i] = x.c.NewClientAs(fmt.Sprint("webapp ", i))
	default:
		x.submit(cl, x.r.IntN(10))
	}
}

// breakAgent breaks something about an agent that is well.
func (x *chaos) breakAgent() {
	name := fmt.Sprint("a", 1+x.r.IntN(chaosAgents))
	if x.mend[name] != nil {
		return
	}
	a := x.c.Agent(name)
	mend, most := func() {}, time.Minute
	switch x.r.IntN(7) {
	case 0:
		a.Cut()
	case 1:
		a.Partition(true)
		mend = func() { a.Partition(false) }
	case 2:
		a.Stall(true)
		mend = func() { a.Stall(false) }
	case 3:
		a.Kill()
		mend = func() { x.c.StartAgent(name) }
	case 4:
		a.Stop()
		mend = func() { a.Wait(); x.c.StartAgent(name) }
	case 5:
		a.CutAt(x.r.IntN(10))
	case 6:
		mend, most = x.c.StartTwin(name+"'", a).Kill, 10*time.Second // they connect all the time
	}
	x.mend[name], x.due[name] = mend, time.Now().Add(x.duration(most))
}

// mendDue mends what is due, in the agents' order.
func (x *chaos) mendDue(now time.Time) {
	for i := range chaosAgents {
		name := fmt.Sprint("a", i+1)
		if mend := x.mend[name]; mend != nil && !x.due[name].After(now) {
			mend()
			delete(x.mend, name)
		}
	}
}
