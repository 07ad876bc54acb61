package agent_test

import (
	"context"
	"errors"
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

// deaf goes on for a minute, whatever it is told.
func deaf(context.Context, agent.Job, agent.Uplink) wire.Result {
	time.Sleep(time.Minute)
	return wire.Result{Status: "success"}
}

// A killed job that its executor does not end has its one result all the same, and
// keeps its slot.
func TestKilledJobThatDoesNotEnd(t *testing.T) {
	for name, stop := range map[string]bool{"serving": false, "draining": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, graders{"deaf": deaf, "ok": succeed}, func(cfg *agent.Config) { cfg.Silence, cfg.Drain = time.Hour, time.Hour })
				began := time.Now()
				for _, id := range []string{"j1", "j2"} {
					b.send(newJob(id, "deaf"))
					want[*wire.AgentJobStarted](b, id)
				}
				if stop {
					b.stop(nil)
					synctest.Wait()
				}
				for range 3 { // whoever insists does not wait longer
					b.send(&wire.BackendKillJob{JobID: "j1", State: "s"})
					time.Sleep(900 * time.Millisecond)
				}
				m := want[*wire.AgentJobDone](b, "j1")
				if took := time.Since(began); m.Status != "killed" || m.State != "before" || took > 3*time.Second {
					t.Errorf("%s with state %q after %v", m.Status, m.State, took)
				}
				b.send(&wire.BackendKillJob{JobID: "j1", State: "s"})
				left := map[string]bool{"j2": true}
				if !stop {
					b.dealer.Cut()
					b.hello()
					want[*wire.AgentJobDone](b, "j1") // as any result in doubt
					want[*wire.AgentJobStarted](b, "j2")
					b.send(newJob("j3", "ok"))
					left["j3"] = true
				}
				for len(left) > 0 {
					if m, ok := b.next().(*wire.AgentJobDone); ok && !left[m.JobID] {
						t.Fatalf("a result of %s, which has one", m.JobID)
					} else if ok {
						delete(left, m.JobID)
					}
				}
				if took := time.Since(began); took != time.Minute {
					t.Errorf("a slot was free after %v", took)
				}
			})
		})
	}
}

// A backend of ours sends no job to a slot that a job which hangs still has, though
// that was answered for.
func TestSlotsOfJobsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"deaf": deaf}, func(cfg *agent.Config) { cfg.Silence = time.Hour })
		b.send(&wire.Unknown{})
		b.send(newJob("j1", "deaf"))
		want[*wire.AgentJobStarted](b, "j1")
		b.send(&wire.BackendKillJob{JobID: "j1"})
		slots := func(n int64) {
			t.Helper()
			if m, ok := b.next().(*wire.AgentHello); !ok || m.Slots != n {
				t.Fatalf("got %#v, want a hello with %d slots", m, n)
			}
		}
		slots(1)
		want[*wire.AgentJobDone](b, "j1")
		b.dealer.Cut()
		b.hello()
		b.send(&wire.Unknown{})
		want[*wire.AgentJobDone](b, "j1") // as any result in doubt
		slots(1)
		slots(2) // once it has ended
	})
}

// An agent that stops in an outage waits for the end of that, to hand in its last
// results, as long as it would have for jobs.
func TestStopInAnOutage(t *testing.T) {
	for name, c := range map[string]struct {
		outage time.Duration
		done   bool
	}{"short": {30 * time.Second, true}, "long": {3 * time.Minute, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, graders{"sleep": sleep}, func(cfg *agent.Config) { cfg.Drain = time.Minute })
				b.send(newJob("j1", "sleep"))
				want[*wire.AgentJobStarted](b, "j1")
				time.Sleep(29 * time.Second)
				b.dealer.Partition(true)
				time.Sleep(time.Minute) // it ends, and the connection
				b.stop(nil)
				began := time.Now()
				time.AfterFunc(c.outage, func() { b.dealer.Partition(false) })
				if c.done {
					if m, ok := b.next().(*wire.AgentHello); !ok || m.Slots != 0 {
						t.Errorf("got %#v, want a hello without slots", m)
					}
					want[*wire.AgentJobDone](b, "j1")
				}
				b.over <- <-b.over // when it has ended
				if took := time.Since(began); took > time.Minute+time.Second || !c.done && took < time.Minute {
					t.Errorf("it ended after %v", took)
				}
			})
		})
	}
}

// A job that does not end when the agent stops has a result that says so.
func TestStoppedJobThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"deaf": deaf}, func(cfg *agent.Config) { cfg.Silence, cfg.Drain = time.Hour, 5*time.Second })
		b.send(newJob("j1", "deaf"))
		want[*wire.AgentJobStarted](b, "j1")
		began := time.Now()
		b.stop(nil)
		m := b.done("j1")
		if took := time.Since(began); m.Status != "crash" || m.Text != agent.TextStopping || m.State != "before" || took > 10*time.Second {
			t.Errorf("%s %q with state %q after %v", m.Status, m.Text, m.State, took)
		}
	})
}

// An executor may take a moment to end a killed job, and say more of it.
func TestKilledJobThatEndsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context, j agent.Job, _ agent.Uplink) wire.Result {
			<-ctx.Done()
			time.Sleep(900 * time.Millisecond)
			return agent.Failed(j, "killed", "in its own words")
		}
		b := start(t, graders{"slow": slow}, nil)
		b.send(newJob("j1", "slow"))
		time.Sleep(1900 * time.Millisecond)
		b.send(&wire.BackendKillJob{JobID: "j1"})
		if m := b.done("j1"); m.Status != "killed" || m.Text != "in its own words" {
			t.Errorf("got %s %q", m.Status, m.Text)
		}
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
		b := start(t, graders{"sleep": sleep, "ok": succeed}, func(cfg *agent.Config) { cfg.Drain, cfg.Silence = time.Minute, time.Hour })
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

// untidy is an executor that cannot clean up.
type untidy struct{ graders }

func (untidy) Close(context.Context) error { return errUntidy }

var errUntidy = errors.New("left behind")

// When its end is closed under it the agent stops its jobs, cleans up and returns.
func TestEndClosedUnderRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, untidy{graders{"sleep": sleep}}, nil)
		b.send(newJob("j1", "sleep"))
		want[*wire.AgentJobStarted](b, "j1")
		began := time.Now()
		b.dealer.Kill()
		if err := <-b.over; !errors.Is(err, errUntidy) || time.Since(began) > 0 {
			t.Errorf("ended with %v after %v, want an error at once, and that of the clean-up", err, time.Since(began))
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
