//go:build native || vm

package e2e

import (
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// runtimes are those that every test of jobs runs on.
var runtimes = []string{"runc", "crun"}

// each runs a test on every runtime.
func each(t *testing.T, test func(t *testing.T, r *rig)) {
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

// A job that cannot start gets one result that says why, and keeps its state.
func TestRefusals(t *testing.T) {
	r := start(t, "crun")
	r.task("ok", `feedback-result success`)
	for name, c := range map[string]struct {
		change func(*wire.ClientNewJob)
		text   string
	}{
		"no task":     {func(j *wire.ClientNewJob) { j.TaskID.Value = "nowhere" }, "task"},
		"no course":   {func(j *wire.ClientNewJob) { j.CourseID.Value = "nowhere" }, "task"},
		"a way out":   {func(j *wire.ClientNewJob) { j.TaskID.Value = "../../etc" }, "task"},
		"memory":      {func(j *wire.ClientNewJob) { j.Parameters = r.job("ok", limits{memory: 100000}).Parameters }, "512"},
		"bad limits":  {func(j *wire.ClientNewJob) { j.Parameters = wire.Raw("\x81\xa6limits\x81\xa4time\xa3two") }, "parameters"},
		"negative":    {func(j *wire.ClientNewJob) { j.Parameters = r.job("ok", limits{time: -5}).Parameters }, "positive"},
		"network":     {func(j *wire.ClientNewJob) { j.Parameters = wire.Raw("\x81\xafnetwork_grading\xc3") }, "network"},
		"ssh":         {func(j *wire.ClientNewJob) { j.Debug = wire.DebugSSH }, "SSH"},
		"bad key":     {func(j *wire.ClientNewJob) { j.InputData = wire.Raw("\x82\xa6@state\xa6before\x01\x02") }, "submission"},
		"half a task": {func(j *wire.ClientNewJob) { j.CourseID = wire.Nullable{Null: true} }, "task"},
	} {
		t.Run(name, func(t *testing.T) {
			job := r.job("ok", limits{})
			c.change(job)
			done := r.grade(job)
			if done.Status != "crash" || !strings.Contains(done.Text, c.text) || done.State != "before" {
				t.Errorf("got %s %q with state %q, want a crash about %q that keeps the state", done.Status, done.Text, done.State, c.text)
			}
		})
	}
	if done := r.grade(r.job("ok", limits{})); done.Status != "success" {
		t.Errorf("a good job after them: %s %q", done.Status, done.Text)
	}
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

// Many jobs at once, more than there are slots, and each its own result.
func TestManyJobs(t *testing.T) {
	r := start(t, "crun")
	r.task("ok", `feedback-result success`)
	want := map[string]bool{}
	for range 12 {
		job := r.job("ok", limits{})
		want[job.JobID] = true
		r.send(job)
	}
	for len(want) > 0 {
		if m, ok := r.next().(*wire.BackendJobDone); ok {
			if !want[m.JobID] || m.Status != "success" {
				t.Fatalf("%s: %s (twice, or not ours)", m.JobID, m.Status)
			}
			delete(want, m.JobID)
		}
	}
}

// What a grader writes into its task stays with its job.
func TestTaskIsNotChanged(t *testing.T) {
	r := start(t, "crun")
	r.task("write", `test ! -e /task/mark && echo x > /task/mark && echo '#!/bin/sh' > /task/run && rm -rf /course/common/* ; feedback-result success`)
	for range 2 {
		if done := r.grade(r.job("write", limits{})); done.Status != "success" {
			t.Errorf("got %s %q", done.Status, done.Text)
		}
	}
}
