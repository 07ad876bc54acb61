package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/testenv/cluster"
)

// An agent with more slots than messages fit into its queue gets jobs as it
// reads them, and hands in more results at once than would fit.
func TestMoreSlotsThanTheQueueHolds(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		clients := []*cluster.Client{c.Client(0), c.NewClient(), c.NewClient()} // that are sent no more than fits
		c.Agent("a1").Stall(true)
		for _, cl := range clients {
			cl.Submit(100, cluster.Sleep(time.Minute))
			synctest.Wait()
		}
		time.Sleep(3 * time.Second)
		c.Agent("a1").Stall(false)
		time.Sleep(58 * time.Second)
		c.Agent("a1").Partition(true)
		c.Agent("a1").Cut()
		time.Sleep(6 * time.Second)
		c.Agent("a1").Partition(false)
		want(t, c, results{"success": 300})
	}, cluster.Slots(300), cluster.Queue(200))
}
