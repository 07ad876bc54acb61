package agent_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
)

// On a new connection a backend of ours hears of all results and of all that runs
// before a ping is answered: it gives up what was not spoken of by then.
func TestAllIsSaidBeforePong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"ok": succeed, "sleep": sleep}, nil)
		b.send(newJob("recent", "ok"))
		b.done("recent")
		b.send(newJob("runs", "sleep"))
		want[*wire.AgentJobStarted](b, "runs")
		b.dealer.Cut()
		for b.peer = 0; b.peer == 0; {
			if ev := b.event(); ev.Kind == wire.PeerUp {
				b.peer = ev.Peer
			}
		}
		b.send(&wire.Ping{})
		if m, ok := b.next().(*wire.AgentHello); !ok {
			t.Fatalf("got %T, want the hello", m)
		}
		want[*wire.AgentJobDone](b, "recent")
		want[*wire.AgentJobStarted](b, "runs")
		if m, ok := b.next().(*wire.Pong); !ok {
			t.Errorf("got %T, want the pong", m)
		}
	})
}

// A job may have the id of one that ended before. Killed while it waits for a slot
// it is answered, though the other's result is still in doubt.
func TestKillOfAnIDThatWasUsedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"sleep": sleep, "ok": succeed}, nil)
		b.send(newJob("twice", "ok"))
		b.done("twice")
		b.send(newJob("j1", "sleep"))
		b.send(newJob("j2", "sleep"))
		b.send(newJob("twice", "ok"))
		b.send(&wire.BackendKillJob{JobID: "twice", State: "s"})
		if m := b.done("twice"); m.Status != "killed" || m.State != "s" {
			t.Errorf("got %s with state %q, want killed with the state of the message", m.Status, m.State)
		}
	})
}

// A result of long ago was read, or the backend would not have been heard of since.
// If it still wants the job to end the result was lost, and the kill is answered.
func TestKillLongAfterTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"ok": succeed}, nil)
		b.send(newJob("j1", "ok"))
		b.done("j1")
		for range 2 {
			time.Sleep(6500 * time.Millisecond)
			b.send(&wire.Ping{})
			b.next()
		}
		b.send(&wire.BackendKillJob{JobID: "j1"})
		if m := want[*wire.AgentJobDone](b, "j1"); m.Status != "killed" {
			t.Errorf("got %s, want killed", m.Status)
		}
	})
}

// So is that of a job which was answered and hangs still.
func TestKillLongAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		b := start(t, graders{"hang": func(_ context.Context, j agent.Job, _ agent.Uplink) wire.Result {
			<-free
			return agent.Failed(j, "killed", "late")
		}}, nil)
		b.send(newJob("j1", "hang"))
		want[*wire.AgentJobStarted](b, "j1")
		b.send(&wire.BackendKillJob{JobID: "j1"})
		want[*wire.AgentJobDone](b, "j1")
		b.send(&wire.BackendKillJob{JobID: "j1"}) // it crossed the answer
		for range 3 {
			time.Sleep(5 * time.Second)
			b.send(&wire.Ping{})
			if m, ok := b.next().(*wire.Pong); !ok {
				t.Fatalf("got %#v, want one answer", m)
			}
		}
		b.send(&wire.BackendKillJob{JobID: "j1"})
		want[*wire.AgentJobDone](b, "j1")
		close(free)
	})
}

// Nor does it stand in the way of another job of its id.
func TestAnotherOfItsId(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		b := start(t, graders{"ok": succeed, "hang": func(_ context.Context, j agent.Job, up agent.Uplink) wire.Result {
			<-free
			if err := up.SSH(wire.SSH{Host: "h", Port: 1, User: "u", Password: "p"}); err == nil {
				t.Error("a way into one is announced as the other's")
			}
			return agent.Failed(j, "killed", "late")
		}}, nil)
		b.send(newJob("j1", "hang"))
		want[*wire.AgentJobStarted](b, "j1")
		b.send(&wire.BackendKillJob{JobID: "j1"})
		want[*wire.AgentJobDone](b, "j1")
		b.send(newJob("j1", "ok"))
		if m := b.done("j1"); m.Status != "success" {
			t.Errorf("got %s", m.Status)
		}
		close(free)
	})
}

// A job that comes again too large for a message runs already: that run answers.
func TestLongJobThatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"sleep": sleep}, nil)
		b.send(newJob("j1", "sleep"))
		long := newJob("j1", "sleep")
		long.TaskProblems = append(wire.Raw{0xc5, 0x27, 0x10}, make([]byte, 10_000)...)
		b.send(long)
		b.send(&wire.BackendKillJob{JobID: "j1"})
		want[*wire.AgentJobStarted](b, "j1")
		if m := want[*wire.AgentJobDone](b, "j1"); m.Status != "killed" {
			t.Errorf("got %s, want the result of the job that runs", m.Status)
		}
	})
}

// A connection that takes nothing more is given up.
func TestStalledConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{}, nil)
		b.dealer.Stall(true)
		for range 5000 { // more than the end keeps
			b.dealer.Alive() // is answered
		}
		began := time.Now()
		b.dealer.Stall(false)
		b.hello()
		if took := time.Since(began); took > time.Second {
			t.Errorf("a new connection after %v", took)
		}
	})
}

// changing is an executor whose environments change on command.
type changing struct {
	graders
	change chan struct{}
}

func (c changing) Changed() <-chan struct{} { return c.change }

// Changed environments are told at once to a backend of ours. To a Python one,
// which takes a second hello for a restart, they are told when no job runs.
func TestChangedEnvironments(t *testing.T) {
	for name, ours := range map[string]bool{"ours": true, "Python": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exec := changing{graders{"sleep": sleep}, make(chan struct{})}
				b := start(t, exec, nil)
				if ours {
					b.send(&wire.Unknown{})
				}
				b.send(newJob("j1", "sleep"))
				want[*wire.AgentJobStarted](b, "j1")
				exec.change <- struct{}{}
				if ours {
					if m, ok := b.next().(*wire.AgentHello); !ok {
						t.Errorf("got %T, want a hello at once", m)
					}
				}
				b.send(&wire.BackendKillJob{JobID: "j1"})
				want[*wire.AgentJobDone](b, "j1")
				if !ours {
					if m, ok := b.next().(*wire.AgentHello); !ok {
						t.Errorf("got %T, want a hello after the job", m)
					}
				}
			})
		})
	}
}

// Jobs that wait for the slots of others that hang are a Python backend's too: a hello
// would end them.
func TestChangedEnvironmentsWhileJobsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exec := changing{graders{"deaf": deaf, "ok": succeed}, make(chan struct{})}
		b := start(t, exec, func(cfg *agent.Config) { cfg.Silence = time.Hour })
		for _, id := range []string{"j1", "j2"} {
			b.send(newJob(id, "deaf"))
			want[*wire.AgentJobStarted](b, id)
			b.send(&wire.BackendKillJob{JobID: id})
			want[*wire.AgentJobDone](b, id)
		}
		b.send(newJob("j3", "ok"))
		synctest.Wait()
		exec.change <- struct{}{}
		want[*wire.AgentJobStarted](b, "j3")
		want[*wire.AgentJobDone](b, "j3")
		if m, ok := b.next().(*wire.AgentHello); !ok {
			t.Errorf("got %T, want a hello after the job", m)
		}
	})
}

// A backend of ours that asks who we are, after its greeting, is told.
func TestUnknownAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{}, nil)
		b.send(&wire.Unknown{})
		b.send(&wire.Unknown{})
		began := time.Now()
		if m, ok := b.next().(*wire.AgentHello); !ok || m.Slots != 2 || time.Since(began) > 0 {
			t.Errorf("got %#v after %v, want a hello at once", m, time.Since(began))
		}
	})
}

// A way in that is announced when the job has ended is refused.
func TestSSHAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make(chan error, 1)
		b := start(t, graders{"ssh": func(_ context.Context, _ agent.Job, up agent.Uplink) wire.Result {
			go func() {
				time.Sleep(time.Second)
				late <- up.SSH(wire.SSH{Host: "h"})
			}()
			return wire.Result{Status: "success"}
		}}, nil)
		b.send(newJob("j1", "ssh"))
		b.done("j1")
		if err := <-late; err == nil {
			t.Error("it was announced")
		}
		b.send(&wire.Ping{})
		if m, ok := b.next().(*wire.Pong); !ok {
			t.Errorf("got %#v, want nothing of it", m)
		}
	})
}
