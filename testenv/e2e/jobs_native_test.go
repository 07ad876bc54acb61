//go:build native

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// What a grader says, and what it wrote when somebody looks for its faults, is
// what the webapp gets.
func TestGradersWord(t *testing.T) {
	r := start(t, "crun")
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
