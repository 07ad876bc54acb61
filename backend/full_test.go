package backend

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// submit submits jobs, no more at a time than sockets of a rig keep.
func (m *remote) submit(from, to int) {
	m.t.Helper()
	for i := from; i < to; i++ {
		m.say(job(fmt.Sprint(i)))
		synctest.Wait()
	}
}

// An agent gets jobs as it reads them. It has time to do so.
func TestMoreJobsThanAnAgentsQueueHolds(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		a, c := r.agent("", wire.GH, 300), r.client(wire.GH)
		a.dealer.Stall(true)
		c.submit(0, 300)
		time.Sleep(4 * time.Second)
		a.dealer.Stall(false)
		for range 300 {
			hear[*wire.BackendNewJob](a)
		}
		a.quiet()
		if len(a.lost) > 0 {
			t.Error("it lost its connection")
		}
	})
}

// What an agent that reads nothing has no room for goes to another at once, and
// the rest when its pings stay unanswered.
func TestAgentThatDoesNotRead(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		a, c := r.agent("", wire.GH, 300), r.client(wire.GH)
		a.dealer.Stall(true)
		c.submit(0, 150)
		b := r.agent("", wire.GH, 150)
		for range 50 {
			hear[*wire.BackendNewJob](b)
		}
		b.quiet()
		began := time.Now()
		for range 100 {
			hear[*wire.BackendNewJob](b)
		}
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("it was found silent after %v", took)
		}
	})
}

// A kill must not be lost: there is room for it where there is none for a job.
func TestRoomForAKill(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		a, c := r.agent("", wire.GH, 300), r.client(wire.GH)
		a.dealer.Stall(true)
		c.submit(0, queueJobs+1)
		c.say(&wire.ClientKillJob{JobID: "0"})
		synctest.Wait()
		a.dealer.Stall(false)
		for range queueJobs {
			hear[*wire.BackendNewJob](a)
		}
		if kill := hear[*wire.BackendKillJob](a); kill.JobID != "0" {
			t.Errorf("heard %+v", kill)
		}
		if len(a.lost) > 0 {
			t.Error("it lost its connection")
		}
	})
}

// A client that takes its time for results keeps its connection, however many of
// them come together: it is sent no listing meanwhile, and can ask again. One of
// the old ones never would, so that it is sent one.
func TestManyResultsAtOnce(t *testing.T) {
	for gen, listings := range map[wire.Generation]int{wire.G6: 1, wire.GH: 0} {
		t.Run(gen.String(), func(t *testing.T) {
			const jobs = 2 * queueJobs
			inBubble(t, defaults(), func(r *rig) {
				a, c := r.agent("", wire.GH, jobs), r.client(gen)
				c.submit(0, jobs)
				for range jobs {
					hear[*wire.BackendNewJob](a)
				}
				resume := c.pause()
				for i := range jobs {
					a.say(&wire.AgentJobDone{JobID: fmt.Sprint(i), Result: wire.Result{Status: "success"}})
				}
				synctest.Wait()
				c.say(&wire.ClientGetQueue{})
				synctest.Wait()
				resume()
				for range jobs {
					hear[*wire.BackendJobDone](c)
				}
				for range listings {
					hear[*wire.BackendGetQueue](c)
				}
				c.quiet()
				c.say(&wire.ClientGetQueue{})
				hear[*wire.BackendGetQueue](c)
				if len(c.lost) > 0 {
					t.Error("it lost its connection")
				}
			})
		})
	}
}

// A job that was accepted reaches its agent, and its result its client, whatever
// the limits are by then.
func TestLimitsAreLoweredMeanwhile(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		c := r.client(wire.GH)
		long := job("j1")
		long.Launcher = "x"
		long.TaskProblems = append(wire.Raw{0xc5, 0x27, 0x10}, make([]byte, 10_000)...)
		c.say(long)
		a := r.dial("agents", "", wire.GH)
		synctest.Wait()
		if err := r.backend.SetLimits(r.t.Context(), wire.Limits{Frame: 1000}); err != nil {
			t.Fatal(err)
		}
		a.hello(1)
		if got := hear[*wire.BackendNewJob](a); len(got.TaskProblems) != len(long.TaskProblems) {
			t.Errorf("got %d bytes", len(got.TaskProblems))
		}
	})
}

// A listing over the limit is cut, what runs first and the next after it.
func TestListingOverTheLimit(t *testing.T) {
	cfg := defaults()
	cfg.Limits.Frame = 2000
	inBubble(t, cfg, func(r *rig) {
		r.agent("", wire.GH, 2)
		c := r.client(wire.GH)
		c.submit(0, 90)
		c.say(&wire.ClientGetQueue{})
		if list := hear[*wire.BackendGetQueue](c); len(list.Running) != 2 || len(list.Waiting) < 10 || list.Waiting[0].JobID != "2" {
			t.Errorf("%d jobs run and %d wait, from %v", len(list.Running), len(list.Waiting), list.Waiting)
		}
		r.agent("", wire.GH, 88)
		c.say(&wire.ClientGetQueue{})
		if list := hear[*wire.BackendGetQueue](c); len(list.Running) < 10 || list.Running[0].JobID != "0" {
			t.Errorf("%d jobs run, from %v", len(list.Running), list.Running)
		}
	})
}
