//go:build native || vm

package e2e

import "testing"

// What a job costs from end to end, and what a student container adds to it.
func BenchmarkJob(b *testing.B) {
	for _, runtime := range runtimes {
		b.Run(runtime, func(b *testing.B) {
			r := start(b, runtime)
			r.task("trivial", `feedback-result success`)
			r.task("student", `run_student true && feedback-result success`)
			for _, task := range []string{"trivial", "student"} {
				b.Run(task, func(b *testing.B) {
					for range b.N {
						if done := r.grade(r.job(task, limits{})); done.Status != "success" {
							b.Fatalf("got %s %q", done.Status, done.Text)
						}
					}
				})
			}
		})
	}
}
