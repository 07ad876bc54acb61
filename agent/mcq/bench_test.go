package mcq

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent"
)

// frenchJob is four multiple choice problems and a match, all with names and
// headers as webapps send them, of a student who is wrong twice.
func frenchJob(t testing.TB) agent.Job {
	return newJob(t, `{
	"q1": {"type": "multiple_choice", "name": "Capitals", "header": "Which city is the capital of Belgium?",
		"choices": [{"text": "Brussels", "valid": true, "feedback": "Indeed"}, {"text": "Paris"}, {"text": "Berlin", "feedback": "No, that is in Germany"}]},
	"q2": {"type": "multiple_choice", "name": "Primes", "header": "Tick the primes", "multiple": true, "limit": 0,
		"choices": [{"text": "2", "valid": true}, {"text": "4", "feedback": "4 = 2 × 2"}, {"text": "7", "valid": true, "feedback": "Yes"}, {"text": "9"}]},
	"q3": {"type": "multiple_choice", "name": "Types", "header": "What is 1.0?", "success_message": "Well done", "error_message": "Look again",
		"choices": [{"text": "int"}, {"text": "float", "valid": true}, {"text": "str"}]},
	"q4": {"type": "multiple_choice", "name": "Sorting", "header": "Which are stable?", "multiple": true, "centralize": true,
		"choices": [{"text": "merge", "valid": true}, {"text": "heap"}, {"text": "quick"}, {"text": "insertion", "valid": true}]},
	"m": {"type": "match", "name": "Answer", "header": "What is six times seven?", "answer": "42"}}`,
		`{"q1": "0", "q2": ["0", "1"], "q3": "1", "q4": ["0", "3"], "m": " 41 ",
	"@username": "student", "@email": "student@example.org", "@lang": "fr", "@time": "2026-01-02 03:04:05.678901+00:00",
	"@attempts": "3", "@random": [], "@state": ""}`)
}

// BenchmarkRun is one job after the other.
func BenchmarkRun(b *testing.B) {
	e, _ := newExecutor(b, RulesHead)
	benchmark(b, e)
}

// BenchmarkRunTranslated is the same for a task with a French catalogue.
func BenchmarkRunTranslated(b *testing.B) {
	e, dir := newExecutor(b, RulesHead)
	writeMO(b, dir, "course/task/$i18n/fr.mo", "Indeed", "En effet", "4 = 2 × 2", "4 = 2 × 2, donc non")
	benchmark(b, e)
}

func benchmark(b *testing.B, e *Executor) {
	e.tasks.fresh = freshness
	job := frenchJob(b)
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		if res := e.Run(b.Context(), job, nil); res.Grade != 60 {
			b.Fatal(res.Status, res.Text)
		}
	}
	b.ReportMetric((cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

// BenchmarkRunParallel uses all CPUs, as an agent with many slots does.
func BenchmarkRunParallel(b *testing.B) {
	e, _ := newExecutor(b, RulesHead)
	e.tasks.fresh = freshness
	job := frenchJob(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if res := e.Run(b.Context(), job, nil); res.Grade != 60 {
				b.Error(res.Status, res.Text)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

// cpuTime is what this process has used so far, in nanoseconds. It includes the
// collector, and is steadier than the clock on a busy machine.
func cpuTime(b *testing.B) float64 {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}
