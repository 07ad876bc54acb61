package agent_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
)

// A job may come again while the run of it ends that the backend had given up: its
// result is that of the new run.
func TestJobThatComesAgainWhileItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32 // of which two are there at once
		slow := func(ctx context.Context, j agent.Job, _ agent.Uplink) wire.Result {
			if runs.Add(1) == 2 {
				return wire.Result{Status: "success"}
			}
			<-ctx.Done()
			time.Sleep(200 * time.Millisecond) // containers take so long to end
			return agent.Failed(j, "killed", "")
		}
		b := start(t, graders{"slow": slow}, nil)
		b.send(newJob("j1", "slow"))
		want[*wire.AgentJobStarted](b, "j1")
		synctest.Wait() // it is the first
		b.send(&wire.BackendKillJob{JobID: "j1"})
		b.send(newJob("j1", "slow"))
		if m := b.done("j1"); m.Status != "success" || runs.Load() != 2 {
			t.Errorf("ended with %q after %d runs", m.Status, runs.Load())
		}
		time.Sleep(time.Second)
		b.send(&wire.Ping{})
		if m, ok := b.next().(*wire.Pong); !ok {
			t.Errorf("then came %T", m)
		}
	})
}

// A result that is still in doubt does not answer a new run of its job.
func TestResultOfAnEarlierRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"sleep": sleep}, nil)
		b.send(newJob("j1", "sleep"))
		want[*wire.AgentJobStarted](b, "j1")
		b.send(&wire.BackendKillJob{JobID: "j1"})
		b.done("j1")
		b.send(newJob("j1", "sleep"))
		want[*wire.AgentJobStarted](b, "j1")
		b.dealer.Cut()
		b.hello()
		want[*wire.AgentJobStarted](b, "j1")
		if m := b.done("j1"); m.Status != "success" {
			t.Errorf("ended with %q", m.Status)
		}
	})
}
