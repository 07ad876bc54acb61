//go:build native

package e2e

import (
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/agent/mcq"
	"github.com/ingot-grading/ingot/wire"
)

// One agent grades with and without containers, over one connection.
func TestContainersAndMultipleChoice(t *testing.T) {
	r := start(t, "crun")
	r.task("both", `feedback-result success; feedback-grade 42`)

	quiz := func(answer string) *wire.ClientNewJob {
		job := r.job("both", limits{})
		job.EnvironmentType, job.Environment = mcq.Environment, mcq.Environment
		job.TaskProblems = msgp.AppendMapStrStr(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "m"), map[string]string{"type": "match", "answer": "42"})
		job.InputData = msgp.AppendMapStrStr(nil, map[string]string{"m": answer, "@lang": "fr"})
		return job
	}
	for range 2 {
		if done := r.grade(r.job("both", limits{})); done.Status != "success" || done.Grade != 42 {
			t.Errorf("in a container: %s %v %q", done.Status, done.Grade, done.Text)
		}
		if done := r.grade(quiz(" 42 ")); done.Status != "success" || done.Grade != 100 {
			t.Errorf("multiple choice: %s %v %q", done.Status, done.Grade, done.Text)
		}
	}
	if done := r.grade(quiz("41")); done.Status != "failed" || done.Text != "Vous avez 1 mauvaise(s) réponse(s)." {
		t.Errorf("a wrong answer: %s %q", done.Status, done.Text)
	}
	none := quiz("42")
	none.TaskID.Value = "nowhere"
	if done := r.grade(none); done.Status != "crash" {
		t.Errorf("a task that is not there: %s %q", done.Status, done.Text)
	}
}
