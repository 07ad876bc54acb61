package agent_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
)

// named is an executor that tells in its results which one it is.
type named struct {
	name    string
	changed chan struct{}
	closing error
}

func (n named) Environments() []wire.Environment {
	return []wire.Environment{{Type: n.name, Name: n.name}}
}
func (n named) Changed() <-chan struct{}    { return n.changed }
func (n named) Close(context.Context) error { return n.closing }
func (n named) Run(context.Context, agent.Job, agent.Uplink) wire.Result {
	return wire.Result{Status: "success", Text: n.name}
}

func TestJoinedExecutorsShareTheJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, stuck := errors.New("broken"), errors.New("stuck")
		boxes := named{name: "docker", changed: make(chan struct{}), closing: broken}
		quiz := named{name: "mcq", changed: make(chan struct{}), closing: stuck}
		both := agent.Join(boxes, "mcq", quiz)

		if envs := both.Environments(); len(envs) != 2 || envs[0].Type != "docker" || envs[1].Type != "mcq" {
			t.Errorf("offers %+v, want what both do", envs)
		}
		for typ, want := range map[string]string{"docker": "docker", "kata": "docker", "mcq": "mcq", "": "docker"} {
			job := agent.Job{BackendNewJob: &wire.BackendNewJob{EnvironmentType: typ}}
			if res := both.Run(t.Context(), job, nil); res.Text != want {
				t.Errorf("%q was graded by %s, want %s", typ, res.Text, want)
			}
		}
		for _, c := range []chan struct{}{boxes.changed, quiz.changed} {
			c <- struct{}{}
			<-both.Changed()
		}
		boxes.changed <- struct{}{} // nobody reads: the signals become one and delay nobody
		quiz.changed <- struct{}{}
		synctest.Wait()
		<-both.Changed()
		for range 2 {
			if err := both.Close(t.Context()); !errors.Is(err, broken) || !errors.Is(err, stuck) {
				t.Errorf("closed with %v", err)
			}
		}
	})
}

// An executor that never changes is one that can be joined.
func TestJoinWithoutChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, agent.Join(graders{"ok": succeed, "sleep": sleep}, "mcq", named{name: "mcq"}), nil)
		for _, typ := range []string{"mcq", "docker"} {
			job := newJob(typ, "ok")
			job.EnvironmentType = typ
			b.send(job)
			b.done(typ)
		}
		b.send(newJob("long", "sleep"))
		b.next()
		b.send(&wire.BackendKillJob{JobID: "long"})
		if m := b.done("long"); m.Status != "killed" {
			t.Errorf("got %s, want killed", m.Status)
		}
	})
}
