//go:build native || vm

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/testenv/images"
)

// What a cold job costs from end to end, and what a student container adds to it:
// on an image that carries ingot-init, on one that is given it, and on one with
// programs in Python as INGInious' own.
func BenchmarkJob(b *testing.B) {
	l := newLegacy(b)
	for _, runtime := range runtimes {
		b.Run(runtime, func(b *testing.B) {
			r := start(b, runtime, func(cfg *grade.Config) { cfg.Guest = guestDir(b) })
			r.strangers("demo-bare")
			l.bring(r, images.F4b)
			r.task("trivial", `feedback-result success`)
			r.task("student", `run_student true && feedback-result success`)
			for _, image := range []struct{ name, env string }{
				{"carried", "demo"}, {"injected", "demo-bare"}, {"python", images.F4b.Env()},
			} {
				for _, task := range []string{"trivial", "student"} {
					b.Run(image.name+"/"+task, func(b *testing.B) {
						r.env = image.env
						for b.Loop() {
							if done := r.grade(r.job(task, limits{})); done.Status != "success" {
								b.Fatalf("got %s %q", done.Status, done.Text)
							}
						}
					})
				}
			}
		})
	}
}
