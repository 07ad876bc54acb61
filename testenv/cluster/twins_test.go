package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/testenv/cluster"
)

// Two agents have one identity and take the connection from each other, until one
// of them goes. Each job is answered, once, also those that only one of them has.
func TestTwins(t *testing.T) {
	for name, survivor := range map[string]int{"the first stays": 0, "the second stays": 1} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cluster.Cluster) {
				c.Submit(10, cluster.Sleep(15*time.Second))
				time.Sleep(time.Second)
				twins := []*cluster.Agent{c.Agent("a1"), c.StartTwin("a2", c.Agent("a1"))}
				for range 20 {
					c.Submit(1, cluster.Sleep(7*time.Second))
					time.Sleep(time.Second)
				}
				twins[1-survivor].Kill()
				c.Submit(10, cluster.Sleep(time.Second))
				c.WantEachJobDoneOnce()
				began := time.Now()
				last := c.Submit(2, cluster.Sleep(time.Second))
				c.WantEachJobDoneOnce()
				if c.Answer(last[0]) != "success" || time.Since(began) > time.Second {
					t.Errorf("a later job: %s after %v", c.Answer(last[0]), time.Since(began))
				}
			}, cluster.Slots(2))
		})
	}
}

// Two agents have one name, which is for people only.
func TestSameName(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		first := c.Agent("a1")
		c.StartAgent("a1")
		c.Submit(20, cluster.Sleep(time.Minute))
		time.Sleep(time.Second)
		first.Kill()
		want(t, c, results{"success": 18, "crash": 2})
	}, cluster.Slots(2))
}

// A client comes back with the identity that it had, while its old connection is
// not known to be dead. The jobs of the old one make room for those of the new.
func TestClientWithTheSameIdentity(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		old := c.NewClientAs("webapp")
		ids := old.Submit(5, cluster.Sleep(time.Minute))
		time.Sleep(time.Second)
		old.Vanish()
		again := c.NewClientAs("webapp")
		began := time.Now()
		for _, id := range ids {
			again.SubmitAs(id, "default", cluster.Sleep(time.Minute))
		}
		synctest.Wait()
		c.WantEachJobDoneOnceBy(again)
		if took := time.Since(began); c.Results()["success"] < 3 || took > 4*time.Minute {
			t.Errorf("%v after %v", c.Results(), took)
		}
	}, cluster.Slots(2))
}

// The backend is killed, or stops, while it has asked for the end of jobs.
func TestBackendGoesInTheMiddleOfAKill(t *testing.T) {
	for name, restart := range map[string]func(*cluster.Cluster){
		"killed":  (*cluster.Cluster).RestartBackend,
		"stopped": func(c *cluster.Cluster) { c.StopBackend(); c.StartBackend() },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cluster.Cluster) {
				ids := c.Submit(6, cluster.Sleep(10*time.Minute))
				time.Sleep(time.Second)
				c.Agent("a1").Partition(true)
				for _, id := range ids {
					c.Client(0).Kill(id)
				}
				synctest.Wait()
				restart(c)
				c.Agent("a1").Partition(false)
				began := time.Now()
				c.Submit(4, cluster.Sleep(time.Second))
				c.WantEachJobDoneOnce()
				if took := time.Since(began); took > time.Minute {
					t.Errorf("the slots were free after %v", took)
				}
			}, cluster.Slots(2))
		})
	}
}
