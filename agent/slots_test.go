package agent_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
)

// want waits for the next message, which must be a T about the job.
func want[T wire.Message](b *bench, job string) T {
	b.t.Helper()
	m := b.next()
	got, ok := m.(T)
	id := ""
	switch m := m.(type) {
	case *wire.AgentJobStarted:
		id = m.JobID
	case *wire.AgentJobDone:
		id = m.JobID
	case *wire.AgentJobSSHDebug:
		id = m.JobID
	}
	if !ok || id != job {
		b.t.Fatalf("got %T %+v, want %T of %s", m, m, got, job)
	}
	return got
}

// A backend may not know what still runs here. What it sends over the slots
// waits for one, and counts as not started until then.
func TestMoreJobsThanSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"sleep": sleep, "ok": succeed}, nil)
		for _, id := range []string{"j1", "j2"} {
			b.send(newJob(id, "sleep"))
		}
		for _, id := range []string{"j3", "j4", "j5", "j3"} {
			b.send(newJob(id, "ok"))
		}
		want[*wire.AgentJobStarted](b, "j1")
		want[*wire.AgentJobStarted](b, "j2")
		b.send(&wire.BackendKillJob{JobID: "j4", State: "s"})
		if m := want[*wire.AgentJobDone](b, "j4"); m.Status != "killed" || m.State != "s" {
			t.Errorf("a job that waits was killed: %s with state %q", m.Status, m.State)
		}
		b.send(&wire.BackendKillJob{JobID: "j1"})
		want[*wire.AgentJobDone](b, "j1")
		for _, id := range []string{"j3", "j5"} {
			want[*wire.AgentJobStarted](b, id)
			want[*wire.AgentJobDone](b, id)
		}
		b.send(&wire.BackendKillJob{JobID: "j2"})
		want[*wire.AgentJobDone](b, "j2")
	})
}

// A backend that a broken connection left in doubt is told again what runs, and
// the ways in. What waits for a slot is not: it comes again if it is wanted.
func TestRunningJobsAreAnnouncedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"ssh": func(ctx context.Context, j agent.Job, up agent.Uplink) wire.Result {
			if err := up.SSH(wire.SSH{Host: j.JobID, Port: 1}); err != nil {
				t.Error(err)
			}
			return sleep(ctx, j, up)
		}, "ok": succeed}, nil)
		for _, id := range []string{"j1", "j2"} {
			b.send(newJob(id, "ssh"))
			want[*wire.AgentJobStarted](b, id)
			want[*wire.AgentJobSSHDebug](b, id)
		}
		b.send(newJob("waits", "ok"))
		synctest.Wait()
		b.dealer.Cut()
		b.hello()
		var again []string // in any order
		for range 2 {
			m, ok := b.next().(*wire.AgentJobStarted)
			if !ok {
				t.Fatalf("got %+v, want started", m)
			}
			if way := want[*wire.AgentJobSSHDebug](b, m.JobID); way.Host != m.JobID {
				t.Errorf("the way into %s is %s", m.JobID, way.Host)
			}
			again = append(again, m.JobID)
		}
		for _, id := range again {
			b.send(&wire.BackendKillJob{JobID: id})
			want[*wire.AgentJobDone](b, id)
		}
		b.send(&wire.Ping{})
		if m, ok := b.next().(*wire.Pong); !ok {
			t.Errorf("got %+v, want a pong and nothing of the job that waited", m)
		}
	})
}

// A backend of ours has greeted the agent. It is told that no more jobs are
// wanted, and what it had sent already is left to others.
func TestStopWithBackendOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"sleep": sleep, "ok": succeed}, func(cfg *agent.Config) { cfg.Drain = time.Minute })
		b.send(&wire.Unknown{})
		b.send(newJob("j1", "sleep"))
		want[*wire.AgentJobStarted](b, "j1")
		b.stop(nil)
		if m, ok := b.next().(*wire.AgentHello); !ok || m.Slots != 0 {
			t.Fatalf("got %#v, want a hello without slots", m)
		}
		b.send(newJob("late", "ok"))
		b.dealer.Cut()
		for b.peer = 0; b.peer == 0; {
			if ev := b.event(); ev.Kind == wire.PeerUp {
				b.peer = ev.Peer
			}
		}
		if m, ok := b.next().(*wire.AgentHello); !ok || m.Slots != 0 {
			t.Fatalf("got %#v, want a hello without slots", m)
		}
		want[*wire.AgentJobStarted](b, "j1")
		b.send(&wire.Unknown{})
		if m, ok := b.next().(*wire.AgentHello); !ok || m.Slots != 0 {
			t.Fatalf("got %#v, want a hello without slots", m)
		}
		b.send(newJob("late", "ok"))
		want[*wire.AgentJobDone](b, "j1")
		if err := <-b.over; err != nil {
			t.Error(err)
		}
		b.over <- nil // for the cleanup
		b.send(&wire.Ping{})
		synctest.Wait()
		select {
		case ev := <-b.router.Events():
			t.Errorf("got %s, want nothing about the late job", ev.Frame)
		default:
		}
	})
}

// When its end is closed under it the agent stops its jobs and returns.
func TestEndClosedUnderRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"sleep": sleep}, nil)
		b.send(newJob("j1", "sleep"))
		want[*wire.AgentJobStarted](b, "j1")
		began := time.Now()
		b.dealer.Kill()
		if err := <-b.over; err == nil || time.Since(began) > 0 {
			t.Errorf("ended with %v after %v, want an error at once", err, time.Since(began))
		}
		b.over <- nil // for the cleanup
	})
}

// While a long message comes in the connection is not given up, and the backend
// hears of the agent, whose answers to pings would wait behind it.
func TestLongMessageIsASignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{}, func(cfg *agent.Config) { cfg.Silence = 10 * time.Second })
		for range 20 {
			time.Sleep(time.Second)
			b.dealer.Alive()
			if m, ok := b.next().(*wire.Pong); !ok {
				t.Fatalf("got %T, want a pong", m)
			}
		}
	})
}
