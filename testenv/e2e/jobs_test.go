//go:build native || vm

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// runtimes are those that tests of jobs run on.
var runtimes = []string{"runc", "crun"}

// each runs a test on every runtime natively, and on one in the machine, which
// is thirty times slower.
func each(t *testing.T, test func(t *testing.T, r *rig)) {
	if !native() {
		test(t, start(t, "crun"))
		return
	}
	onAll(t, test)
}

// onAll runs a test on every runtime, wherever it is.
func onAll(t *testing.T, test func(t *testing.T, r *rig)) {
	for _, name := range runtimes {
		t.Run(name, func(t *testing.T) { test(t, start(t, name)) })
	}
}

// What a grader says is what the webapp gets.
func TestGradersWord(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.task("ok", `feedback-result success; feedback-msg -m "well done"; feedback-state after; echo hidden`)
		done := r.grade(r.job("ok", limits{}))
		if done.Status != "success" || done.Grade != 100 || done.Text != "well done" || done.State != "after" {
			t.Errorf("got %s %v %q %q", done.Status, done.Grade, done.Text, done.State)
		}
		if done.Stdout.Value != "" || len(done.Archive) == 0 {
			t.Errorf("stdout %q, archive of %d bytes; want none and one", done.Stdout.Value, len(done.Archive))
		}

		r.task("debug", `feedback-result failed; feedback-grade 12.345; echo out; echo err >&2; exit 7`)
		job := r.job("debug", limits{})
		job.Debug = wire.DebugOn
		done = r.grade(job)
		if done.Status != "failed" || done.Grade != 12.35 && done.Grade != 12.34 || done.Stdout.Value != "out\n" || done.Stderr.Value != "err\n" {
			t.Errorf("got %s %v %q %q", done.Status, done.Grade, done.Stdout.Value, done.Stderr.Value)
		}

		r.task("silent", `true`)
		if done = r.grade(r.job("silent", limits{})); done.Status != "crash" {
			t.Errorf("a grader that says nothing: %s, want crash", done.Status)
		}
	})
}

// A killed job is answered at once, whatever it is doing.
func TestKill(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.task("sleep", `trap "" TERM; while :; do sleep 1000; done`)
		job := r.job("sleep", limits{})
		r.send(job)
		r.started(job.JobID) // being prepared, or running
		r.send(&wire.ClientKillJob{JobID: job.JobID})
		if done := r.done(job.JobID); done.Status != "killed" || done.State != "before" {
			t.Errorf("got %s with state %q, want killed with the state kept", done.Status, done.State)
		}
	})
}

// The wall-clock limit ends a job that sleeps, the CPU limit one that does not.
func TestTimeLimits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.task("sleep", `feedback-result success; sleep 1000`)
		if done := r.grade(r.job("sleep", limits{hard: 2})); done.Status != "timeout" || done.State != "before" {
			t.Errorf("sleeping: %s with state %q, want timeout", done.Status, done.State)
		}
		r.task("loop", `feedback-result success; while :; do :; done`)
		if done := r.grade(r.job("loop", limits{time: 1})); done.Status != "timeout" {
			t.Errorf("looping: %s, want timeout", done.Status)
		}
	})
}
