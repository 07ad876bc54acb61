package cluster_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/testenv/cluster"
)

// What ran on an agent that crashed is answered; what was queued runs elsewhere.
func TestAgentCrash(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		c.Submit(20, cluster.Sleep(30*time.Second))
		time.Sleep(45 * time.Second)
		c.Agent("a2").Kill()
		want(t, c, results{"success": 18, "crash": 2})
	}, cluster.Agents(3), cluster.Slots(2))
}

// With the flag what ran is tried once more, and no more than that.
func TestAgentCrashWithRetry(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		ids := c.Submit(4, cluster.Sleep(time.Minute))
		time.Sleep(time.Second)
		c.Agent("a1").Kill()
		time.Sleep(30 * time.Second) // given up, and on the others
		c.Agent("a2").Kill()
		c.WantEachJobDoneOnce()
		twice := 0
		for _, id := range ids {
			if c.Answer(id) == "crash" && c.Runs(id) != 2 {
				t.Errorf("%s crashed after %d runs", id, c.Runs(id))
			}
			if c.Runs(id) == 2 {
				twice++
			}
		}
		if twice < 2 {
			t.Errorf("%d jobs were tried again", twice)
		}
	}, cluster.Agents(3), cluster.Slots(2), cluster.Sched(func(s *sched.Config) { s.RetryStarted = true }))
}

// The only agent crashes, and another takes its place.
func TestAgentRestart(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		c.Submit(5, cluster.Sleep(30*time.Second))
		time.Sleep(45 * time.Second)
		c.Agent("a1").Kill()
		c.StartAgent("a1")
		want(t, c, results{"success": 4, "crash": 1})
	})
}

// An agent keeps its jobs when its connection breaks for less than the grace,
// and hands in what ended meanwhile. Nothing runs twice.
func TestShortBreak(t *testing.T) {
	for name, gap := range map[string]time.Duration{"at once": 0, "a while": 4 * time.Second} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, c *cluster.Cluster) {
				ids := c.Submit(6, cluster.Sleep(30*time.Second))
				for range 3 { // in the first round of jobs, at its end, in the second
					time.Sleep(15*time.Second - gap/2)
					c.Agent("a1").Partition(gap > 0)
					c.Agent("a1").Cut()
					time.Sleep(gap)
					c.Agent("a1").Partition(false)
				}
				want(t, c, results{"success": 6})
				for _, id := range ids {
					if n := c.Runs(id); n != 1 {
						t.Errorf("%s ran %d times", id, n)
					}
				}
			}, cluster.Slots(2))
		})
	}
}

// An agent that is away for longer is given up. When it is back it stops what
// nobody waits for, and has all its slots for what is queued.
func TestLongPartition(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		ids := c.Submit(6, cluster.Sleep(10*time.Minute))
		time.Sleep(time.Second)
		c.Agent("a1").Partition(true)
		time.Sleep(time.Minute)
		if c.Answer(ids[0]) != "crash" || c.Answer(ids[1]) != "crash" {
			t.Error("the jobs of an agent that is away for a minute were not given up")
		}
		c.Agent("a1").Partition(false)
		time.Sleep(10 * time.Second)
		if n := c.Running(); n != 2 || c.Runs(ids[2]) != 1 || c.Runs(ids[3]) != 1 {
			t.Errorf("%d jobs run, want the two next ones", n)
		}
		want(t, c, results{"success": 4, "crash": 2})
	}, cluster.Slots(2))
}

// An agent that reads nothing is given up, and takes part again when it does.
func TestStalledAgent(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		c.Submit(20, cluster.Sleep(10*time.Second))
		time.Sleep(5 * time.Second)
		c.Agent("a1").Stall(true)
		time.Sleep(time.Minute)
		c.Agent("a1").Stall(false)
		began := time.Now()
		c.Submit(20, cluster.Sleep(10*time.Second))
		want(t, c, results{"success": 38, "crash": 2})
		if took := time.Since(began); took > 80*time.Second {
			t.Errorf("took %v: the agent does not take part again", took)
		}
	}, cluster.Agents(2), cluster.Slots(2))
}

// A result handed in just before the network went is not lost, however long it
// takes the agent to notice.
func TestResultIntoTheVoid(t *testing.T) {
	for i := range 30 {
		after := time.Duration(i) * 100 * time.Millisecond
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			in(t, func(t *testing.T, c *cluster.Cluster) {
				time.Sleep(10 * time.Second)
				c.Submit(1, cluster.Sleep(after))
				synctest.Wait()
				c.Agent("a1").Partition(true)
				time.Sleep(13 * time.Second)
				c.Agent("a1").Partition(false)
				want(t, c, results{"success": 1})
			})
		})
	}
}

// A job or a kill that was under way when the connection broke is sent again.
func TestMessagesIntoTheVoid(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		ids := c.Submit(1, cluster.Sleep(time.Minute))
		time.Sleep(time.Second)
		c.Agent("a1").Partition(true)
		ids = append(ids, c.Submit(1, cluster.Sleep(time.Minute))...)
		c.Client(0).Kill(ids[0])
		synctest.Wait() // both are on their way
		c.Agent("a1").Cut()
		c.Agent("a1").Partition(false)
		began := time.Now()
		want(t, c, results{"killed": 1, "success": 1})
		if took := time.Since(began); took > 65*time.Second || c.Runs(ids[1]) != 1 {
			t.Errorf("took %v, ran %d times", took, c.Runs(ids[1]))
		}
	}, cluster.Slots(2))
}

// A job that reaches an agent which is stopping runs elsewhere, soon.
func TestJobCrossesStop(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		c.Submit(1, cluster.Sleep(time.Minute))
		synctest.Wait()
		c.Agent("a1").Partition(true)
		late := c.Submit(1, cluster.Sleep(time.Second))
		synctest.Wait() // it is on its way
		c.Agent("a1").Stop()
		synctest.Wait()
		c.StartAgent("a2")
		c.Agent("a1").Partition(false)
		time.Sleep(5 * time.Second)
		if got := c.Answer(late[0]); got != "success" {
			t.Errorf("the late job: %q, want it done", got)
		}
		want(t, c, results{"success": 2})
	}, cluster.Slots(2), cluster.Drain(2*time.Minute))
}

// An agent that is told to stop ends what it runs and takes no more, so that
// nobody's job suffers while there are others.
func TestDrainUnderLoad(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		for i := range 100 {
			c.Submit(1, cluster.Sleep(time.Duration(15+i%10)*time.Second))
		}
		time.Sleep(30 * time.Second)
		c.Agent("a1").Stop()
		c.Agent("a1").Wait()
		c.StartAgent("a1")
		time.Sleep(30 * time.Second)
		c.Agent("a2").Stop()
		want(t, c, results{"success": 100})
	}, cluster.Agents(3), cluster.Slots(2), cluster.Drain(time.Minute))
}

// What takes longer than the drain is answered by the agent that stops.
func TestDrainTooShort(t *testing.T) {
	in(t, func(t *testing.T, c *cluster.Cluster) {
		c.Submit(6, cluster.Sleep(10*time.Minute))
		time.Sleep(time.Minute)
		c.Agent("a1").Stop()
		want(t, c, results{"success": 4, "crash": 2})
	}, cluster.Agents(2), cluster.Slots(2))
}

// Whatever message an agent was about to send when it was killed, all jobs are
// answered, once.
func TestAgentKilledAtEveryMessage(t *testing.T) {
	everyMessage(t, func(c *cluster.Cluster, n int) { c.Agent("a1").KillAt(n) },
		func(c *cluster.Cluster) bool {
			killed := c.Agent("a1").Killed()
			if killed {
				c.Agent("a1").Wait()
				c.StartAgent("a1")
			}
			return killed
		})
}

// So they are when the connection breaks there, and then none crashes.
func TestConnectionCutAtEveryMessage(t *testing.T) {
	everyMessage(t, func(c *cluster.Cluster, n int) { c.Agent("a1").CutAt(n) },
		func(c *cluster.Cluster) bool {
			if crashes := c.Results()["crash"]; crashes > 0 {
				t.Errorf("%d jobs crashed", crashes)
			}
			return c.Agent("a1").Cuts() > 0
		})
}

// everyMessage breaks something at the first message of a scenario, at the
// second, and so on, until the scenario has no more of them.
func everyMessage(t *testing.T, breakAt func(*cluster.Cluster, int), mend func(*cluster.Cluster) bool) {
	for n, broke := 0, true; broke; n++ {
		if n > 1000 {
			t.Fatal("there is no end to the messages")
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			in(t, func(t *testing.T, c *cluster.Cluster) {
				const quiet = 2050 * time.Millisecond // until no second begins, so that nothing is said
				breakAt(c, n)
				ids := c.Submit(3, cluster.Sleep(1500*time.Millisecond))
				time.Sleep(quiet)
				synctest.Wait()
				broke = mend(c)
				c.Submit(2, cluster.Sleep(100*time.Millisecond))
				c.Client(0).Kill(ids[1])
				time.Sleep(quiet)
				synctest.Wait()
				broke = mend(c) || broke
				c.WantEachJobDoneOnce()
				broke = mend(c) || broke
				c.WantEachJobDoneOnce()
			}, cluster.Slots(1))
		})
	}
}
