package bench

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/mcq"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// inFlight is how many jobs a stub backend keeps at an agent.
const inFlight = 50

// BenchmarkMCQAgent drives the MCQ agent through TCP with jobs of four multiple
// choice problems and one match, in French. The CPU time is that of both ends.
func BenchmarkMCQAgent(b *testing.B) {
	tasks := b.TempDir()
	if err := os.MkdirAll(filepath.Join(tasks, "course/task"), 0o755); err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	exec, err := mcq.New(mcq.Config{Tasks: tasks, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	stub := startStub(b)
	startAgent(b, stub.router.Addr(), agent.Config{Slots: inFlight, Log: log}, exec)
	stub.peer = stub.hello()
	job := mcqJob(b)
	b.ReportAllocs()
	before := cpuTime(b)
	b.ResetTimer()
	stub.drive(&job, b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	b.ReportMetric((cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// startAgent runs an agent until the benchmark ends.
func startAgent(b *testing.B, addr string, cfg agent.Config, exec agent.Executor) {
	b.Helper()
	end, err := zmtp.Dial(addr, zmtp.Config{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(b.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx, cfg, end, exec) }()
	b.Cleanup(func() {
		stop(errors.New("benchmark over"))
		if err := errors.Join(<-done, end.Close()); err != nil {
			b.Error(err)
		}
	})
}

// stub is a backend that has one agent and thinks of nothing but jobs.
type stub struct {
	b       *testing.B
	router  *zmtp.Router
	dialect *wire.Dialect
	peer    wire.Peer
}

func startStub(b *testing.B) *stub {
	b.Helper()
	router, err := zmtp.Listen("tcp://127.0.0.1:0", zmtp.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := router.Close(); err != nil {
			b.Error(err)
		}
	})
	return &stub{b: b, router: router, dialect: wire.NewDialect(wire.GH, wire.Limits{})}
}

// hello waits for an agent and returns its connection.
func (s *stub) hello() wire.Peer {
	for ev := range s.router.Events() {
		if ev.Kind != wire.PeerMessage {
			continue
		}
		if msg, err := s.dialect.Decode(ev.Frame); err != nil {
			s.b.Fatal(err)
		} else if _, ok := msg.(*wire.AgentHello); ok {
			return ev.Peer
		}
	}
	s.b.Fatal("the router closed")
	return 0
}

// drive gives n jobs, at most inFlight at a time, and waits for their results.
func (s *stub) drive(job *wire.BackendNewJob, n int) {
	sent, done := 0, 0
	for ; sent < min(n, inFlight); sent++ {
		s.send(job, sent)
	}
	for ev := range s.router.Events() {
		if ev.Kind == wire.PeerDown {
			s.b.Fatal(ev.Err)
		}
		msg, err := s.dialect.Decode(ev.Frame)
		if err != nil {
			s.b.Fatal(err)
		}
		res, ok := msg.(*wire.AgentJobDone)
		if !ok {
			continue
		}
		if res.Grade != 60 {
			s.b.Fatalf("%s %v: %s", res.Status, res.Grade, res.Text)
		}
		if done++; done == n {
			return
		}
		if sent < n {
			s.send(job, sent)
			sent++
		}
	}
}

func (s *stub) send(job *wire.BackendNewJob, i int) {
	job.JobID = "0123456789abcdef-" + strconv.Itoa(i)
	frame, err := s.dialect.Append(nil, job)
	if err != nil {
		s.b.Fatal(err)
	}
	if err := s.router.Send(s.peer, frame); err != nil {
		s.b.Fatal(err)
	}
}

// cpuTime is what this process has used so far, in nanoseconds.
func cpuTime(b *testing.B) float64 {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// mcqJob is a submission that is right in three of five problems.
func mcqJob(b *testing.B) wire.BackendNewJob {
	choices := func(texts ...string) []any {
		var all []any
		for i, text := range texts {
			all = append(all, map[string]any{"text": text, "valid": i%2 == 0, "feedback": "About " + text})
		}
		return all
	}
	problem := func(name string, more map[string]any) map[string]any {
		p := map[string]any{"type": "multiple_choice", "name": name, "header": "Which of these, and why?", "choices": choices("one", "two", "three")}
		maps.Copy(p, more)
		return p
	}
	b.Helper()
	return wire.BackendNewJob{
		CourseID: wire.Nullable{Value: "course"}, TaskID: wire.Nullable{Value: "task"},
		EnvironmentType: "mcq", Environment: "mcq",
		TaskProblems: raw(b, map[string]any{
			"q1": problem("First", nil),
			"q2": problem("Second", map[string]any{"multiple": true}),
			"q3": problem("Third", map[string]any{"error_message": "Look again"}),
			"q4": problem("Fourth", map[string]any{"multiple": true, "centralize": true}),
			"m":  map[string]any{"type": "match", "name": "Fifth", "answer": "42"},
		}),
		InputData: raw(b, map[string]any{
			"q1": "0", "q2": []any{"0", "1"}, "q3": "1", "q4": []any{"0", "2"}, "m": " 42 ",
			"@username": "student", "@email": "student@example.org", "@lang": "fr",
			"@time": "2026-01-02 03:04:05.678901+00:00", "@attempts": "3", "@random": []any{}, "@state": "",
		}),
	}
}

// raw packs a value that is made of what msgpack has.
func raw(b *testing.B, v any) wire.Raw {
	b.Helper()
	packed, err := msgp.AppendIntf(nil, v)
	if err != nil {
		b.Fatal(err)
	}
	return packed
}
