package backend

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A job goes to an agent and its result comes back, and what is only passed on
// is the same bytes, whatever their form.
func TestJobAndResultArePassedOn(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		a, c := r.agent("", wire.GH, 1), r.client(wire.GH)
		want := job("j1")
		c.say(want)
		got := hear[*wire.BackendNewJob](a)
		if !bytes.Equal(got.InputData, want.InputData) || !bytes.Equal(got.TaskProblems, want.TaskProblems) || !bytes.Equal(got.Parameters, want.Parameters) {
			t.Errorf("agent got %+v", got)
		}
		result := wire.Result{
			Status: "success", Text: "well done", Grade: 33.34, State: "next",
			Problems: wire.Raw("\x81\xa1p\x92\xd9\x02ok\xa0"), Custom: wire.Raw("\x81\x01\x02"),
			Archive: []byte("archive"), Stderr: wire.Nullable{Null: true},
		}
		a.say(&wire.AgentJobStarted{JobID: "j1"}, &wire.AgentJobDone{JobID: "j1", Result: result})
		hear[*wire.BackendJobStarted](c)
		done := hear[*wire.BackendJobDone](c)
		if done.JobID != "j1" || done.Status != "success" || done.Grade != 33.34 || done.State != "next" || !done.Stderr.Null ||
			!bytes.Equal(done.Problems, result.Problems) || !bytes.Equal(done.Custom, result.Custom) || !bytes.Equal(done.Archive, result.Archive) {
			t.Errorf("client got %+v", done)
		}
	})
}

// Each peer is spoken to in its own generation.
func TestGenerationsMix(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		gens := []wire.Generation{wire.G6, wire.G7, wire.G8b, wire.G9, wire.GH}
		for _, ag := range gens {
			a := r.agent("", ag, 1)
			for _, cg := range gens {
				id := fmt.Sprintf("%v-%v", ag, cg)
				c := r.client(cg)
				c.say(&wire.ClientGetQueue{}, job(id))
				hear[*wire.BackendGetQueue](c)
				got := hear[*wire.BackendNewJob](a)
				a.say(&wire.AgentJobStarted{Client: got.Client, JobID: got.JobID},
					&wire.AgentJobDone{Client: got.Client, JobID: got.JobID, Result: wire.Result{Status: "success"}})
				hear[*wire.BackendJobStarted](c)
				if done := hear[*wire.BackendJobDone](c); done.JobID != id || done.Status != "success" {
					t.Errorf("%s: %+v", id, done)
				}
				c.dealer.Kill()
			}
			a.dealer.Kill()
			synctest.Wait()
		}
	})
}

// Whoever sends rubbish loses its connection. Nobody else notices.
func TestRubbish(t *testing.T) {
	pong, err := wire.NewDialect(wire.GH, wire.Limits{}).Append(nil, &wire.Pong{})
	if err != nil {
		t.Fatal(err)
	}
	for name, frame := range map[string][]byte{
		"empty":               {},
		"no msgpack":          {0xc1},
		"no map":              {0x93, 1, 2, 3},
		"unknown type":        []byte("\x81\xa5@type\xa3Foo"),
		"missing field":       []byte("\x81\xa5@type\xacClientNewJob"),
		"cut short":           []byte("\x82\xa5@type"),
		"of the other side":   []byte("\x81\xa5@type\xa4Ping"),
		"trailing bytes":      append(slices.Clip(pong), 0),
		"a client's, no less": pong,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, defaults(), func(r *rig) {
				a, c := r.agent("", wire.GH, 2), r.client(wire.GH)
				bystander := r.client(wire.GH)
				c.say(job("j1"))
				bystander.say(job("j2"))
				hear[*wire.BackendNewJob](a)
				hear[*wire.BackendNewJob](a)
				bad, other := c, r.agent("", wire.GH, 1)
				if name == "of the other side" {
					bad = other
				}
				bad.raw(frame)
				<-bad.lost
				synctest.Wait()
				if bad == c { // its job has nobody to report to
					hear[*wire.BackendKillJob](a)
				}
				a.say(&wire.AgentJobDone{JobID: "j2", Result: wire.Result{Status: "success"}})
				hear[*wire.BackendJobDone](bystander)
			})
		})
	}
}

// A peer that does not read is dropped when its queue is full; others are served
// all the while.
func TestPeerThatDoesNotRead(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		const most = queueJobs * wire.OfferShare
		a, c := r.agent("", wire.GH, most+20), r.client(wire.GH)
		slow := r.client(wire.GH)
		for i := range most + 20 {
			slow.say(job(fmt.Sprint(i)))
			hear[*wire.BackendNewJob](a)
		}
		slow.dealer.Stall(true)
		for i := range most + 10 {
			a.say(&wire.AgentJobDone{JobID: fmt.Sprint(i), Result: wire.Result{Status: "success"}})
			synctest.Wait()
			c.say(&wire.Ping{})
			hear[*wire.Pong](c)
		}
		slow.dealer.Stall(false)
		<-slow.lost
		for range 20 - 1 { // what ran for it is killed
			hear[*wire.BackendKillJob](a)
		}
	})
}

func TestAgentComesBack(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		a, c := r.agent("ingot-1", wire.GH, 1), r.client(wire.GH)
		c.say(job("j1"))
		hear[*wire.BackendNewJob](a)
		a.say(&wire.AgentJobStarted{JobID: "j1"})
		hear[*wire.BackendJobStarted](c)
		a.dealer.Cut()
		a.peer = <-a.peers
		a.hello(1)
		hear[*wire.Unknown](a)
		a.say(&wire.AgentJobDone{JobID: "j1", Result: wire.Result{Status: "success"}})
		hear[*wire.BackendJobDone](c)

		c.say(job("j2"))
		hear[*wire.BackendNewJob](a)
		a.say(&wire.AgentJobStarted{JobID: "j2"})
		hear[*wire.BackendJobStarted](c)
		a.dealer.Partition(true)
		began := time.Now()
		if done := hear[*wire.BackendJobDone](c); done.Status != "crash" || done.State != "s" {
			t.Errorf("got %+v", done)
		}
		if took := time.Since(began); took < 16*time.Second || took > 18*time.Second {
			t.Errorf("given up after %v, want 6 pings and 10 s of grace", took)
		}
	})
}

// A stop that was asked for lets running jobs end and answers all others.
func TestStop(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		a, c := r.agent("", wire.GH, 2), r.client(wire.GH)
		c.say(job("j1"), job("j2"), job("j3"))
		hear[*wire.BackendNewJob](a)
		hear[*wire.BackendNewJob](a)
		r.stop(errEnough)
		if done := hear[*wire.BackendJobDone](c); done.JobID != "j3" || done.Status != "crash" {
			t.Errorf("waiting job: %+v", done)
		}
		c.say(job("j4"))
		if done := hear[*wire.BackendJobDone](c); done.JobID != "j4" || done.Status != "crash" {
			t.Errorf("new job: %+v", done)
		}
		a.say(&wire.AgentJobDone{JobID: "j1", Result: wire.Result{Status: "success"}})
		if done := hear[*wire.BackendJobDone](c); done.JobID != "j1" || done.Status != "success" {
			t.Errorf("running job: %+v", done)
		}
		if done := hear[*wire.BackendJobDone](c); done.JobID != "j2" || done.Status != "crash" {
			t.Errorf("job that takes too long: %+v", done)
		}
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		if err := r.backend.Ask(r.t.Context(), nil); !errors.Is(err, ErrClosed) {
			t.Errorf("Ask after the end: %v", err)
		}
		if err := r.backend.Tell(r.t.Context(), sched.Tick{}); !errors.Is(err, ErrClosed) {
			t.Errorf("Tell after the end: %v", err)
		}
	})
}

func TestStopWithoutJobsIsImmediate(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		r.client(wire.GH)
		began := time.Now()
		r.stop(errEnough)
		if err := <-r.ended; err != nil || time.Since(began) > 0 {
			t.Errorf("ended with %v after %v", err, time.Since(began))
		}
	})
}

func TestSocketClosedUnderRun(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		r.clients.Close()
		if err := <-r.ended; !errors.Is(err, ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestOperator(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		c := r.client(wire.GH)
		c.say(job("j1"), job("j2"))
		synctest.Wait()
		cfg := sched.DefaultConfig()
		cfg.QueueLimit = 1
		if err := r.backend.Tell(r.t.Context(), sched.Configure{Config: cfg}); err != nil {
			t.Fatal(err)
		}
		c.say(job("j3"))
		if done := hear[*wire.BackendJobDone](c); done.JobID != "j3" {
			t.Errorf("over the new limit: %+v", done)
		}
		c.quiet()
		if err := r.backend.Ask(r.t.Context(), func(s *sched.State) {
			if s.Running() != 0 {
				t.Errorf("%d jobs run", s.Running())
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// What running jobs leave of the time to stop is for clients to read their results.
func TestTimeLeft(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		a, c := r.agent("", wire.GH, 1), r.client(wire.GH)
		c.say(job("j1"))
		hear[*wire.BackendNewJob](a)
		r.stop(errEnough)
		time.Sleep(3 * time.Second)
		a.say(&wire.AgentJobDone{JobID: "j1", Result: wire.Result{Status: "success"}})
		hear[*wire.BackendJobDone](c)
		<-r.backend.done
		if left := r.backend.Left(); left != 7*time.Second {
			t.Errorf("%v of 10 s are left after 3", left)
		}
		time.Sleep(time.Minute)
		if left := r.backend.Left(); left != 0 {
			t.Errorf("%v of 10 s are left after a minute", left)
		}
	})
}
