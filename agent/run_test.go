package agent_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// graders is an executor whose jobs are functions, found by task.
type graders map[string]func(context.Context, agent.Job, agent.Uplink) wire.Result

func (graders) Environments() []wire.Environment {
	return []wire.Environment{{Type: "docker", Name: "default", ID: "sha256:1", Advertised: true}}
}
func (graders) Changed() <-chan struct{}    { return nil }
func (graders) Close(context.Context) error { return nil }
func (g graders) Run(ctx context.Context, j agent.Job, up agent.Uplink) wire.Result {
	return g[j.TaskID.Value](ctx, j, up)
}

func succeed(context.Context, agent.Job, agent.Uplink) wire.Result {
	return wire.Result{Status: "success", Grade: 99.999}
}

// sleep waits for the end of its context, or half a minute.
func sleep(ctx context.Context, j agent.Job, _ agent.Uplink) wire.Result {
	select {
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), agent.ErrKilled) {
			return agent.Failed(j, "killed", "")
		}
		return agent.Failed(j, "crash", context.Cause(ctx).Error())
	case <-time.After(30 * time.Second):
		return wire.Result{Status: "success"}
	}
}

// bench is an agent under test with a hand-driven backend at the other side.
type bench struct {
	t       *testing.T
	router  *wiretest.Router
	dealer  *wiretest.Dealer
	dialect *wire.Dialect
	peer    wire.Peer
	first   *wire.AgentHello
	stop    context.CancelCauseFunc
	over    chan error
}

// start runs an agent in the bubble of t and returns after its hello.
func start(t *testing.T, exec agent.Executor, change func(*agent.Config)) *bench {
	n := wiretest.NewNetwork(wiretest.Config{MaxMessage: 10_000})
	router, err := n.Listen("backend")
	if err != nil {
		t.Fatal(err)
	}
	cfg := agent.Config{FriendlyName: "a1", Slots: 2, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	spoken := cmp.Or(cfg.Wire, wire.GH)
	ctx, stop := context.WithCancelCause(t.Context())
	b := &bench{t: t, router: router, dealer: n.Dial("backend", "id"), dialect: wire.NewDialect(spoken, wire.Limits{}), stop: stop, over: make(chan error, 1)}
	go func() { b.over <- agent.Run(ctx, cfg, b.dealer, exec) }()
	t.Cleanup(func() {
		stop(nil)
		go drain(router)
		if err := <-b.over; err != nil {
			t.Errorf("the agent ended with %v", err)
		}
		go drain(b.dealer)
		b.dealer.Close()
		router.Close()
	})
	b.first = b.hello()
	return b
}

// drain reads the events of an end until it is closed, as its owner must.
func drain(end interface{ Events() <-chan wire.Event }) {
	for range end.Events() {
	}
}

// hello waits for a connection and the hello on it.
func (b *bench) hello() *wire.AgentHello {
	b.t.Helper()
	for b.peer = 0; b.peer == 0; {
		if ev := b.event(); ev.Kind == wire.PeerUp {
			b.peer = ev.Peer
		}
	}
	m, ok := b.next().(*wire.AgentHello)
	if !ok || m.Slots != 2 || m.FriendlyName != "a1" || len(m.Environments) < 1 {
		b.t.Fatalf("got %#v, want the hello", m)
	}
	return m
}

// next returns the next message of the agent.
func (b *bench) next() wire.Message {
	b.t.Helper()
	for {
		ev := b.event()
		if ev.Kind == wire.PeerUp {
			b.peer = ev.Peer
		}
		if ev.Kind != wire.PeerMessage || ev.Peer != b.peer {
			continue
		}
		m, err := b.dialect.Decode(ev.Frame)
		if err != nil {
			b.t.Fatal(err)
		}
		return m
	}
}

// event returns what happens next at the backend's side, within the patience of
// a bubble's clock.
func (b *bench) event() wire.Event {
	b.t.Helper()
	select {
	case ev := <-b.router.Events():
		return ev
	case <-time.After(5 * time.Minute):
		b.t.Fatal("the agent is silent")
		return wire.Event{}
	}
}

// done waits for the result of a job, passing over what comes before it.
func (b *bench) done(job string) *wire.AgentJobDone {
	b.t.Helper()
	for range 100 {
		if m, ok := b.next().(*wire.AgentJobDone); ok {
			if m.JobID != job {
				b.t.Fatalf("result of %s, want %s", m.JobID, job)
			}
			return m
		}
	}
	b.t.Fatalf("no result of %s", job)
	return nil
}

func (b *bench) send(m wire.Message) {
	b.t.Helper()
	frame, err := b.dialect.Append(nil, m)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.router.Send(b.peer, frame); err != nil {
		b.t.Fatal(err)
	}
}

// newJob is a job whose inputs hold the state "before".
func newJob(id, task string) *wire.BackendNewJob {
	return &wire.BackendNewJob{
		JobID: id, CourseID: wire.Nullable{Value: "c"}, TaskID: wire.Nullable{Value: task},
		InputData: wire.Raw("\x81\xa6@state\xa6before"), EnvironmentType: "docker", Environment: "default",
	}
}

func TestJobIsStartedThenDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"ok": succeed}, nil)
		b.send(newJob("j1", "ok"))
		if m, ok := b.next().(*wire.AgentJobStarted); !ok || m.JobID != "j1" {
			t.Fatalf("got %#v, want started", m)
		}
		if m := b.done("j1"); m.Status != "success" || m.Grade != 100 {
			t.Errorf("got %s %v, want success with the grade rounded to 100", m.Status, m.Grade)
		}
		b.send(&wire.Ping{})
		if _, ok := b.next().(*wire.Pong); !ok {
			t.Error("a ping was not answered")
		}
	})
}

func TestPanicIsACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"boom": func(context.Context, agent.Job, agent.Uplink) wire.Result { panic("boom") }}, nil) //nolint:forbidigo // what is tested
		b.send(newJob("j1", "boom"))
		if m := b.done("j1"); m.Status != "crash" || m.State != "before" {
			t.Errorf("got %s with state %q, want a crash that keeps the state", m.Status, m.State)
		}
	})
}

func TestKilledJobHasOneResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"sleep": sleep}, nil)
		b.send(newJob("j1", "sleep"))
		b.next()
		b.send(&wire.BackendKillJob{JobID: "j1", State: "s"})
		if m := b.done("j1"); m.Status != "killed" {
			t.Errorf("got %s, want killed", m.Status)
		}
		b.send(&wire.BackendKillJob{JobID: "j1", State: "s"}) // crossed the result: answered already
		b.send(&wire.BackendKillJob{JobID: "stranger", State: "s"})
		if m := b.done("stranger"); m.Status != "killed" || m.State != "s" {
			t.Errorf("got %s with state %q, want killed with the state of the message", m.Status, m.State)
		}
	})
}

// A job id that is running is not run twice, and still has one result. A backend
// that sends it again does not know that it runs, so it is told.
func TestDuplicateJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"sleep": sleep, "ok": succeed}, nil)
		b.send(newJob("j1", "sleep"))
		b.send(newJob("j1", "ok"))
		for range 2 {
			if m, ok := b.next().(*wire.AgentJobStarted); !ok || m.JobID != "j1" {
				t.Fatalf("got %#v, want started", m)
			}
		}
		b.send(newJob("j2", "ok"))
		b.done("j2")
		b.send(&wire.BackendKillJob{JobID: "j1"})
		if m := b.done("j1"); m.Status != "killed" {
			t.Errorf("got %s, want the first job's result", m.Status)
		}
	})
}

// The protocol has no acknowledgements: what was sent just before a connection
// broke is sent again, and what ended while there was none is sent later.
func TestResultsSurviveABrokenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{"ok": succeed, "sleep": sleep}, nil)
		b.send(newJob("old", "ok"))
		b.done("old")
		for range 3 { // long enough that "old" is not doubted; pings, lest silence end the connection
			time.Sleep(5 * time.Second)
			b.send(&wire.Ping{})
			b.next()
		}
		b.send(newJob("long", "sleep"))
		b.next()
		b.send(newJob("recent", "ok"))
		b.done("recent")
		b.dealer.Partition(true)
		b.dealer.Cut()
		time.Sleep(40 * time.Second) // "long" ends meanwhile
		b.dealer.Partition(false)
		b.hello()
		got := []string{b.next().(*wire.AgentJobDone).JobID, b.next().(*wire.AgentJobDone).JobID}
		if !slices.Equal(got, []string{"recent", "long"}) {
			t.Errorf("sent again: %v, want recent and long, not old", got)
		}
	})
}

func TestSilentBackendIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, graders{}, nil)
		began := time.Now()
		b.hello()
		if took := time.Since(began); took < 10*time.Second || took > 13*time.Second {
			t.Errorf("said hello again after %v, want a little over 10 s", took)
		}
	})
}

func TestBadMessageClosesTheConnection(t *testing.T) {
	for name, frame := range map[string][]byte{
		"garbage":    {0xc1},
		"unexpected": []byte("\x82\xa4name\xa2me\xa5@type\xabClientHello"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, graders{"sleep": sleep}, nil)
				b.send(newJob("j1", "sleep"))
				b.next()
				if err := b.router.Send(b.peer, frame); err != nil {
					t.Fatal(err)
				}
				b.hello()
				b.done("j1") // the job went on
			})
		})
	}
}

// A job over a limit is answered, with its state, and the connection goes on.
func TestLongJob(t *testing.T) {
	for name, problems := range map[string]wire.Raw{
		"bytes": append(wire.Raw{0xc5, 0x27, 0x10}, make([]byte, 10_000)...),
		"depth": append(bytes.Repeat([]byte{0x91}, 20), 0xc0),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, graders{"succeed": succeed}, func(c *agent.Config) { c.Limits.Depth = 20 })
				long := newJob("long", "succeed")
				long.TaskProblems = problems
				b.send(long)
				if m := b.done("long"); m.Status != "crash" || m.State != "before" {
					t.Errorf("result %+v", m)
				}
				b.send(newJob("short", "succeed"))
				if m := b.done("short"); m.Status != "success" {
					t.Errorf("result %+v", m)
				}
			})
		})
	}
}

// A result over the agent's own limit becomes a crash that says so.
func TestLongResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		talk := func(context.Context, agent.Job, agent.Uplink) wire.Result {
			return wire.Result{Status: "success", Archive: make([]byte, 5_000)}
		}
		b := start(t, graders{"talk": talk}, func(c *agent.Config) { c.Limits.Frame = 5_000 })
		b.send(newJob("j1", "talk"))
		if m := b.done("j1"); m.Status != "crash" || m.State != "before" || !strings.Contains(m.Text, "too large") {
			t.Errorf("result %+v", m)
		}
	})
}

func TestStopEndsJobsAfterTheDrain(t *testing.T) {
	for name, c := range map[string]struct {
		drain  time.Duration
		status string
	}{
		"at once":      {0, "crash"},
		"with a drain": {time.Minute, "success"},
		"short drain":  {time.Second, "crash"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, graders{"sleep": sleep, "ok": succeed}, func(cfg *agent.Config) { cfg.Drain, cfg.Silence = c.drain, time.Hour })
				b.send(newJob("j1", "sleep"))
				b.next()
				b.stop(nil)
				synctest.Wait()
				if c.drain > 0 {
					b.send(newJob("late", "ok"))
				}
				// no hello before: a Python backend would take it for a restart
				if m := want[*wire.AgentJobDone](b, "j1"); m.Status != c.status {
					t.Errorf("got %s, want %s", m.Status, c.status)
				}
				if c.drain > 0 { // last, or the backend would send another one, and so on
					if m := b.done("late"); m.Status != "crash" {
						t.Errorf("a job sent to a stopping agent: %s, want crash", m.Status)
					}
				}
			})
		})
	}
}

func TestSSHIsAnnouncedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var errs [2]error
		b := start(t, graders{"ssh": func(_ context.Context, _ agent.Job, up agent.Uplink) wire.Result {
			for i := range errs {
				errs[i] = up.SSH(wire.SSH{Host: "h", Port: 1, User: "u", Password: "p"})
			}
			return wire.Result{Status: "success"}
		}}, nil)
		b.send(newJob("j1", "ssh"))
		b.next()
		if m, ok := b.next().(*wire.AgentJobSSHDebug); !ok || m.Password != "p" {
			t.Errorf("got %#v, want the way in", m)
		}
		if _, ok := b.next().(*wire.AgentJobDone); !ok {
			t.Error("announced twice")
		}
		if errs[0] != nil || errs[1] == nil {
			t.Errorf("errors %v, want the second one refused", errs)
		}
	})
}

// sshGraders also offer a type for SSH.
type sshGraders struct{ graders }

func (sshGraders) Environments() []wire.Environment {
	return []wire.Environment{{Type: "docker-ssh", Name: "default", ID: "sha256:1", Advertised: true}}
}

// Backends that know of SSH by the hello alone are told there.
func TestHelloSaysWhetherSSHIsAllowed(t *testing.T) {
	for exec, allowed := range map[agent.Executor]bool{&graders{}: false, &sshGraders{}: true} {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, exec, func(cfg *agent.Config) { cfg.Wire = wire.G8b })
			if b.first.SSHAllowed != allowed {
				t.Errorf("the hello says %v, want %v", b.first.SSHAllowed, allowed)
			}
		})
	}
}

func TestRoundGrade(t *testing.T) {
	for in, want := range map[float64]float64{33.335: 33.34, 2.675: 2.67, 100: 100, -1.005: -1.0, 1e300: 1e300, 0.125: 0.12} {
		if got := agent.RoundGrade(in); got != want {
			t.Errorf("RoundGrade(%v) = %v, want %v", in, got, want)
		}
	}
}
