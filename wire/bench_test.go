package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/tinylib/msgp/msgp"
)

// newJob returns a job as a webapp makes them: a task of several problems, one
// of them with a file of source code, 13 kB in all.
func newJob(t testing.TB) *wire.BackendNewJob {
	t.Helper()
	value := func(v any) wire.Raw {
		b, err := msgp.AppendIntf(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	problems, inputs := map[string]any{}, map[string]any{
		"@username": "jdoe", "@email": "jdoe@example.org", "@lang": "fr", "@time": "2026-08-19 13:46:51.123456+00:00",
		"@attempts": "3", "@random": []any{0.25, 0.75}, "@state": "",
		"code": strings.Repeat("def fibonacci(n):\n    return n if n < 2 else fibonacci(n-1) + fibonacci(n-2)\n", 110),
	}
	for i := range 8 {
		id := fmt.Sprint("question", i)
		problems[id] = map[string]any{
			"type": "multiple_choice", "name": "Question", "header": strings.Repeat("What is this? ", 20), "multiple": true, "limit": 0,
			"choices": []any{
				map[string]any{"text": "The first answer", "valid": true, "feedback": "Well done"},
				map[string]any{"text": "The second answer", "valid": false, "feedback": "Read page 12 again"},
				map[string]any{"text": "None of them", "valid": false},
			},
		}
		inputs[id] = []any{"0", "2"}
	}
	return &wire.BackendNewJob{
		JobID: "7c9e6679-7425-40de-944b-e07fc1f90ae7", CourseID: wire.Nullable{Value: "algorithms-2026"},
		TaskID: wire.Nullable{Value: "recursion_1"}, TaskProblems: value(problems), InputData: value(inputs),
		EnvironmentType: "docker", Environment: "python3",
		Parameters: value(map[string]any{
			"run_cmd": nil, "network_grading": false, "limits": map[string]any{"time": 30, "hard_time": 90, "memory": 200, "disk": 200},
		}),
	}
}

func newJobFrame(t testing.TB) (*wire.Dialect, *wire.BackendNewJob, []byte) {
	t.Helper()
	d, m := wire.NewDialect(wire.GH, wire.Limits{}), newJob(t)
	frame, err := d.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return d, m, frame
}

func BenchmarkDecodeNewJob(b *testing.B) {
	d, _, frame := newJobFrame(b)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeIntoNewJob(b *testing.B) {
	d, m, frame := newJobFrame(b)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.DecodeInto(frame, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeNewJob(b *testing.B) {
	d, m, frame := newJobFrame(b)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Append(frame[:0], m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePing(b *testing.B) {
	d, frame := wire.NewDialect(wire.GH, wire.Limits{}), []byte("\x81\xa5@type\xa4Ping")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStateOf(b *testing.B) {
	_, m, _ := newJobFrame(b)
	for b.Loop() {
		wire.StateOf(m.InputData)
	}
}
