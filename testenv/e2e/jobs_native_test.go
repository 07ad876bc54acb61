//go:build native

package e2e

import (
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

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
