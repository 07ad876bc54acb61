package sched

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// BenchmarkDispatch measures a job's whole life in a state with so many jobs
// waiting and so many busy agents: a client adds one, an agent starts and
// finishes one, and is sent the next. One job is three steps.
func BenchmarkDispatch(b *testing.B) {
	for _, waiting := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("waiting=%d/agents=100", waiting), func(b *testing.B) { dispatch(b, waiting, 100) })
	}
	for _, agents := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprintf("waiting=10000/agents=%d", agents), func(b *testing.B) { dispatch(b, 10_000, agents) })
	}
}

// BenchmarkIdle is the same with agents that have free slots, so that each job
// has to find the best of them.
func BenchmarkIdle(b *testing.B) {
	for _, agents := range []int{10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("agents=%d", agents), func(b *testing.B) { dispatch(b, 0, agents) })
	}
}

func dispatch(b *testing.B, waiting, agents int) {
	l := newLoad(agents)
	if waiting > 0 {
		for range waiting + agents*slotsEach {
			l.submit()
		}
	} else {
		l.submit()
	}
	runtime.GC()
	before := cpuTime(b)
	b.ResetTimer()
	for b.Loop() {
		l.submit()
		l.finish()
	}
	used := cpuTime(b) - before
	b.ReportMetric(3*float64(b.N)/used.Seconds(), "steps/cpu-s")
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// cpuTime is what this process has used, garbage collection included. On a busy
// machine it says more than the time that passed.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const slotsEach = 2

// load is a state with one client and agents that finish jobs in the order they
// got them.
type load struct {
	state *State
	now   time.Time
	ids   int
	sent  []ToAgent // jobs on agents, in order
}

func newLoad(agents int) *load {
	cfg := DefaultConfig()
	cfg.QueueLimit = 0
	l := &load{state: New(cfg), now: time.Unix(1, 0)}
	l.step(ClientUp{Peer: 1})
	l.step(ClientMessage{Peer: 1, Msg: &wire.ClientHello{}})
	envs := []wire.Environment{
		{Type: "docker", Name: "default", Advertised: true},
		{Type: "docker", Name: "python3", Advertised: true},
		{Type: "docker", Name: "java", Advertised: true},
	}
	for i := range agents {
		p := wire.Peer(i + 2)
		l.step(AgentUp{Peer: p})
		l.step(AgentMessage{Peer: p, Msg: &wire.AgentHello{Slots: slotsEach, Environments: envs}})
	}
	return l
}

func (l *load) step(ev Event) {
	l.now = l.now.Add(time.Microsecond)
	for _, e := range l.state.Step(l.now, ev) {
		if e, ok := e.(ToAgent); ok {
			if _, ok := e.Msg.(*wire.BackendNewJob); ok {
				l.sent = append(l.sent, e)
			}
		}
	}
}

func (l *load) submit() {
	l.ids++
	l.step(ClientMessage{Peer: 1, Msg: &wire.ClientNewJob{
		JobID: fmt.Sprint(l.ids), EnvironmentType: "docker", Environment: "default", Priority: int64(l.ids % 2),
	}})
}

func (l *load) finish() {
	e := l.sent[0]
	l.sent = l.sent[1:]
	id := e.Msg.(*wire.BackendNewJob).JobID
	l.step(AgentMessage{Peer: e.Peer, Msg: &wire.AgentJobStarted{JobID: id}})
	l.step(AgentMessage{Peer: e.Peer, Msg: &wire.AgentJobDone{JobID: id, Result: wire.Result{Status: "success"}}})
}

// BenchmarkList measures what a listing costs the goroutine of the state, and
// what it costs elsewhere.
func BenchmarkList(b *testing.B) {
	l := newLoad(10)
	for range 30_000 {
		l.submit()
	}
	b.Run("state", func(b *testing.B) {
		for b.Loop() {
			l.state.listing = nil
			l.state.list()
		}
	})
	b.Run("elsewhere", func(b *testing.B) {
		for b.Loop() {
			l.state.listing = nil
			l.state.list().Do(1, func(*wire.BackendGetQueue) {})
		}
	})
}
