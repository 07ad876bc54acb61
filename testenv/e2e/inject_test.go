//go:build native

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/testenv/images"
)

// Images without INGInious' programs are environments all the same, by their
// label or by the agent's configuration, for graders and for students.
func TestInjection(t *testing.T) {
	programs := guestDir(t)
	inject := func(cfg *grade.Config) {
		cfg.Guest = programs
		cfg.Images = map[string]string{"plain": images.PlainRef}
	}
	both(t, func(t *testing.T, r *rig) {
		r.strangers("plain")
		for _, name := range []string{"demo-bare", "plain"} {
			r.task("bare", `
out=$(run_student "sh -c 'id -u; exit 3'"); test "$?/$out" = 3/4242 || feedback -r failed -f "student: $?/$out"
out=$(run_student --container demo "sh -c 'id -u; exit 3'"); test "$?/$out" = 3/4242 || feedback -r failed -f "student of another image: $?/$out"
touch /.ingot/x && feedback -r failed -f "the programs can be changed"
feedback-msg -m "$(getinput @state)"; feedback-grade 50; echo more > /archive/file`)
			job := r.job("bare", limits{})
			job.EnvironmentType, job.Environment = r.kind, name
			if done := r.grade(job); done.Status != "error" || done.Grade != 50 || done.Text != "before" || len(done.Archive) == 0 {
				t.Errorf("%s: %s %v %q", name, done.Status, done.Grade, done.Text)
			}
		}
	}, inject)
}
