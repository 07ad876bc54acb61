package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/testenv/cluster"
)

// What a client that is gone had queued or running makes room for others.
func TestClientDisconnects(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		leaver := c.NewClient()
		ids := leaver.Submit(10, cluster.Sleep(time.Hour))
		time.Sleep(time.Second)
		leaver.Disconnect()
		began := time.Now()
		c.Submit(2, cluster.Sleep(time.Minute))
		want(t, c, results{"success": 2})
		if took := time.Since(began); took > 61*time.Second {
			t.Errorf("others waited for jobs of a client that is gone: %v", took)
		}
		for i, id := range ids {
			if n := c.Runs(id); n > 0 != (i < 2) {
				t.Errorf("job %d ran %d times", i, n)
			}
		}
	}, cluster.Slots(2))
}

// A client whose connection breaks says hello again, and its later jobs run.
func TestClientReconnects(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		c.Submit(10, cluster.Sleep(time.Hour))
		for range 5 {
			time.Sleep(time.Second)
			c.Client(0).Cut()
			c.Submit(10, cluster.Sleep(time.Hour))
		}
		c.Client(0).Cut()
		c.Submit(3, cluster.Sleep(time.Minute))
		want(t, c, results{"success": 3})
	}, cluster.Slots(2))
}

// A client that stops to read is dropped once its queue is full. Nobody waits
// for it, and it can start anew.
func TestClientStopsReading(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		slow := c.NewClient()
		slow.Pause(true)
		slow.Submit(150, cluster.Sleep(time.Second)) // of each two messages come back
		synctest.Wait()
		c.Submit(100, cluster.Sleep(time.Second))
		began := time.Now()
		c.WantEachJobDoneOnceBy(c.Client(0))
		if took := time.Since(began); took > 26*time.Second {
			t.Errorf("the others took %v", took)
		}
		slow.Pause(false)
		time.Sleep(time.Second)
		slow.Submit(5, cluster.Sleep(time.Second))
		c.WantEachJobDoneOnce()
		if n := slow.Hellos(); n != 2 {
			t.Errorf("the slow client said hello %d times, want 2", n)
		}
	}, cluster.Slots(10), cluster.Queue(200))
}
