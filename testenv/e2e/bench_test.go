//go:build native || vm

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/testenv/images"
)

// What a cold job costs from end to end, and what a student container adds to it:
// on an image that carries ingot-init, on one that is given it, and on one with
// programs in Python as INGInious' own. They take turns, so that they compare on
// a machine with other work too. The metrics are medians.
func BenchmarkJob(b *testing.B) {
	l := newLegacy(b)
	for _, runtime := range runtimes {
		b.Run(runtime, func(b *testing.B) {
			r := start(b, runtime, func(cfg *grade.Config) { cfg.Guest = guestDir(b) })
			r.strangers("demo-bare")
			l.bring(r, images.F4b)
			r.task("trivial", `feedback-result success`)
			r.task("student", `run_student true && feedback-result success`)
			for _, task := range []string{"trivial", "student"} {
				b.Run(task, func(b *testing.B) { benchmarkImages(b, r, task) })
			}
		})
	}
}

func benchmarkImages(b *testing.B, r *rig, task string) {
	took := map[string][]time.Duration{}
	envs := map[string]string{"carried": "demo", "injected": "demo-bare", "python": images.F4b.Env()}
	for b.Loop() {
		for name, env := range envs {
			r.env = env
			began := time.Now()
			if done := r.grade(r.job(task, limits{})); done.Status != "success" {
				b.Fatalf("got %s %q", done.Status, done.Text)
			}
			took[name] = append(took[name], time.Since(began))
		}
	}
	for name, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1e3, "ms/"+name)
	}
}
