package cluster_test

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ingot-grading/ingot/testenv/cluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// in runs a scenario in a bubble with a cluster.
func in(t *testing.T, scenario func(t *testing.T, c *cluster.Cluster), options ...cluster.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		scenario(t, cluster.Start(t, options...))
	})
}

// results is how many jobs ended with which status.
type results map[string]int

func want(t *testing.T, c *cluster.Cluster, w results) {
	t.Helper()
	c.WantEachJobDoneOnce()
	if got := c.Results(); !maps.Equal(got, w) {
		t.Errorf("results %v, want %v", got, w)
	}
}

// Three agents with two slots work through what six can do at a time.
func TestAllIsWell(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		began := time.Now()
		c.Submit(100, cluster.Sleep(30*time.Second))
		want(t, c, results{"success": 100})
		if took := time.Since(began); took != 17*30*time.Second {
			t.Errorf("took %v, want 17 rounds of 30 s", took)
		}
	}, cluster.Agents(3), cluster.Slots(2))
}

func TestEnvironmentNobodyHas(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		began := time.Now()
		c.Client(0).SubmitAs("j", "nowhere", cluster.Sleep(0))
		want(t, c, results{"crash": 1})
		if took := time.Since(began); took < 5*time.Minute || took > 5*time.Minute+2*time.Second {
			t.Errorf("given up after %v, want five minutes", took)
		}
	})
}

// The second job of an id is refused, also when another client sends it, and
// the first one does not suffer.
func TestDuplicateIDs(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		other := c.NewClient()
		for _, cl := range []*cluster.Client{c.Client(0), c.Client(0), other} {
			cl.SubmitAs("twin", "default", cluster.Sleep(time.Minute))
		}
		want(t, c, results{"success": 1, "crash": 2})
		other.SubmitAs("twin", "default", cluster.Sleep(time.Minute)) // free again
		want(t, c, results{"success": 2, "crash": 2})
		if n := c.Runs("twin"); n != 2 {
			t.Errorf("ran %d times, want 2", n)
		}
	}, cluster.Slots(2))
}

func TestKillJobs(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		ids := c.Submit(10, cluster.Sleep(time.Minute))
		time.Sleep(time.Second)
		for _, id := range []string{ids[0], ids[9], ids[9], "stranger"} {
			c.Client(0).Kill(id)
		}
		want(t, c, results{"killed": 2, "success": 8})
	}, cluster.Slots(2))
}
