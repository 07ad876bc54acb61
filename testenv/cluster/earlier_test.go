package cluster_test

import (
	"context"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/testenv/cluster"
	"github.com/ingot-grading/ingot/wire"
)

// A job is given up with its agent and waits again. When the agent is back it has to
// end that run, and others go first; then the job comes to the same agent. What
// becomes of the earlier run does not answer it, whether that still ends or its
// result is sent again.
func TestJobThatComesBackToItsAgent(t *testing.T) {
	for name, ends := range map[string]time.Duration{"at once": 0, "slowly": 200 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cluster.Cluster) {
				c.Client(0).SubmitReplay("job", func(ctx context.Context, job agent.Job) wire.Result {
					select {
					case <-time.After(40 * time.Second):
						return wire.Result{Status: "success"}
					case <-ctx.Done():
						time.Sleep(ends)
						return agent.Failed(job, "killed", "")
					}
				})
				time.Sleep(time.Second)
				c.Agent("a1").Partition(true)
				time.Sleep(25 * time.Second)
				for _, id := range []string{"quick", "short"} {
					c.Client(0).SubmitAs(id, "default", cluster.Sleep(ends/10))
				}
				c.Agent("a1").Partition(false)
				time.Sleep(8 * time.Second)
				if n := c.Runs("job"); n != 2 {
					t.Fatalf("%d runs: the test sees nothing", n)
				}
				c.Agent("a1").Cut()
				c.WantEachJobDoneOnce()
				if got := c.Answer("job"); got != "success" {
					t.Errorf("the job ended with %q, which nobody asked for", got)
				}
			}, cluster.Slots(2), cluster.Sched(func(s *sched.Config) { s.RetryStarted = true }))
		})
	}
}

// An agent that drains is told to stop while nothing arrives any more, which nobody
// has noticed yet. It hands its result in on the next connection, also if that comes
// only when the time to drain is over.
func TestStopInAnOutage(t *testing.T) {
	for name, c := range map[string]struct{ drain, away time.Duration }{
		"in the middle of the drain": {5 * time.Minute, 12 * time.Second},
		"at its end":                 {20 * time.Second, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, cl *cluster.Cluster) {
				id := cl.Submit(1, cluster.Sleep(20*time.Second))[0]
				time.Sleep(time.Second)
				cl.Agent("a1").Stop()
				time.Sleep(18500 * time.Millisecond)
				cl.Agent("a1").Partition(true)
				time.Sleep(c.away)
				cl.Agent("a1").Partition(false)
				cl.WantEachJobDoneOnce()
				if got := cl.Answer(id); got != "success" {
					t.Errorf("the job ended with %s, want success", got)
				}
			}, cluster.Drain(c.drain))
		})
	}
}
