package cluster_test

import (
	"testing"
	"time"

	"github.com/ingot-grading/ingot/testenv/cluster"
)

// A backend that was killed knows nothing of earlier jobs. Clients give them up,
// agents stop them, and all go on.
func TestBackendRestart(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		other := c.NewClient()
		c.Submit(20, cluster.Sleep(time.Hour))
		other.Submit(20, cluster.Sleep(5*time.Second))
		time.Sleep(12 * time.Second)
		c.RestartBackend()
		began := time.Now()
		c.Submit(10, cluster.Sleep(10*time.Second))
		other.Submit(10, cluster.Sleep(10*time.Second))
		c.WantEachJobDoneOnce()
		if took := time.Since(began); took > time.Minute {
			t.Errorf("took %v: jobs of the former backend still have slots", took)
		}
		if c.Client(0).Hellos() != 2 || other.Hellos() != 2 {
			t.Errorf("clients said hello %d and %d times, want twice", c.Client(0).Hellos(), other.Hellos())
		}
	}, cluster.Agents(3), cluster.Slots(2))
}

// The backend is away for long. Agents and clients wait for it.
func TestBackendAway(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		c.Submit(5, cluster.Sleep(5*time.Second))
		time.Sleep(time.Second)
		c.KillBackend()
		time.Sleep(time.Hour)
		c.StartBackend()
		c.Submit(5, cluster.Sleep(time.Second))
		want(t, c, results{"success": 5})
	}, cluster.Slots(2))
}

// A backend that is told to stop delivers what runs and answers what waits.
func TestBackendStops(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		c.Submit(10, cluster.Sleep(20*time.Second))
		time.Sleep(15 * time.Second)
		c.StopBackend()
		want(t, c, results{"success": 2, "crash": 8})
		c.StartBackend()
		c.Submit(4, cluster.Sleep(time.Second))
		want(t, c, results{"success": 6, "crash": 8})
	}, cluster.Slots(2))
}

// Whatever message the backend was about to send when it was killed, later jobs
// are answered.
func TestBackendKilledAtEveryMessage(t *testing.T) {
	everyMessage(t, func(c *cluster.Cluster, n int) { c.KillBackendAt(n) },
		func(c *cluster.Cluster) bool {
			killed := c.BackendKilled()
			if killed {
				c.RestartBackend()
				c.Submit(3, cluster.Sleep(time.Second))
			}
			return killed
		})
}
