package sched

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ingot-grading/ingot/wire"
)

func TestClip(t *testing.T) {
	for name, s := range map[string]string{
		"short":            "é",
		"as long as it is": strings.Repeat("x", maxText),
		"long":             strings.Repeat("x", maxText+1),
		"between":          "x" + strings.Repeat("é", maxText),
		"no text":          strings.Repeat("\x80", 2*maxText),
	} {
		got := clip(s)
		if len(got) > maxText || !strings.HasPrefix(s, got) || utf8.ValidString(s) != utf8.ValidString(got) && got != "" {
			t.Errorf("%s: %q", name, got)
		}
		if len(s) <= maxText && got != s {
			t.Errorf("%s: cut to %d bytes", name, len(got))
		}
		if utf8.ValidString(s) && len(s) > maxText && len(got) < maxText-1 {
			t.Errorf("%s: no more than %d bytes are left", name, len(got))
		}
	}
}

// Long names cost no job, and nobody else much: what is told of them is short.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	s, now := New(DefaultConfig()), time.Unix(1, 0)
	s.Step(now, ClientUp{Peer: 2})
	s.Step(now, ClientMessage{Peer: 2, Msg: &wire.ClientHello{}})
	s.Step(now, AgentUp{Peer: 3})
	for _, e := range s.Step(now, AgentMessage{Peer: 3, Msg: &wire.AgentHello{
		FriendlyName: long, Slots: 1, Environments: []wire.Environment{{Type: long, Name: long, ID: long, Advertised: true}},
	}}) {
		if e, ok := e.(AgentJoined); ok && len(e.Name) > maxText {
			t.Errorf("a name of %d bytes", len(e.Name))
		}
	}
	sent := false
	for i := range 2 {
		for _, e := range s.Step(now, ClientMessage{Peer: 2, Msg: &wire.ClientNewJob{
			JobID: fmt.Sprint(i, long[:2*maxText]), CourseID: wire.Nullable{Value: long}, TaskID: wire.Nullable{Value: long},
			EnvironmentType: long, Environment: long, Launcher: long,
		}}) {
			if to, ok := e.(ToAgent); ok {
				job := to.Msg.(*wire.BackendNewJob)
				sent = job.Environment == long && job.CourseID.Value == long
			}
		}
	}
	if !sent {
		t.Error("the job was not sent as it came")
	}
	s.list().Do(2, func(m *wire.BackendGetQueue) {
		if len(m.Running) != 1 || len(m.Waiting) != 1 {
			t.Fatalf("%d jobs run and %d wait", len(m.Running), len(m.Waiting))
		}
		r, w := m.Running[0], m.Waiting[0]
		for _, text := range []string{r.JobID, r.Agent, r.Info, r.Launcher, w.JobID, w.Info, w.Launcher} {
			if len(text) > maxText || len(text) < maxText/2 || !utf8.ValidString(text) {
				t.Errorf("a text of %d bytes", len(text))
			}
		}
	})
}

// An agent with other images than all the rest is told of in a few lines.
func TestManyOtherImages(t *testing.T) {
	s, now := New(DefaultConfig()), time.Unix(1, 0)
	told := 0
	for i := range 2 {
		hello := &wire.AgentHello{Slots: 1}
		for j := range 1000 {
			hello.Environments = append(hello.Environments, wire.Environment{Type: "docker", Name: fmt.Sprint(j), ID: fmt.Sprint(i)})
		}
		p := wire.Peer(2*i + 1)
		s.Step(now, AgentUp{Peer: p})
		for _, e := range s.Step(now, AgentMessage{Peer: p, Msg: hello}) {
			if _, differs := e.(VersionsDiffer); differs {
				told++
			}
		}
	}
	if told != maxDiffers {
		t.Errorf("%d lines, want %d", told, maxDiffers)
	}
}

// The copy of a long queue is for all who ask within a second. A short queue is listed
// as it is.
func TestListingIsReused(t *testing.T) {
	for name, c := range map[string]struct{ waits, after int }{
		"short": {longQueue / 2, longQueue/2 + 1},
		"long":  {longQueue, longQueue},
	} {
		l := newLoad(1)
		for range slotsEach + c.waits {
			l.submit()
		}
		first := l.state.list()
		if l.state.list() != first {
			t.Errorf("%s: nothing has changed, and it is another", name)
		}
		l.submit()
		if n := len(l.state.list().waiting); n != c.after {
			t.Errorf("%s: %d jobs, want %d", name, n, c.after)
		}
		l.step(Tick{})
		second := l.state.list()
		if n := len(second.waiting); n != c.waits+1 {
			t.Errorf("%s: a second later %d jobs, want %d", name, n, c.waits+1)
		}
		l.step(Tick{})
		if l.state.list() != second {
			t.Errorf("%s: it was made anew for a tick", name)
		}
	}
}

// However long the queue is, a listing of it is not: the jobs that are next are in it.
func TestLongListing(t *testing.T) {
	l := newLoad(1)
	const waits = 100_000
	for range waits + slotsEach {
		l.submit()
	}
	l.state.list().Do(1, func(m *wire.BackendGetQueue) {
		if n := len(m.Waiting); len(m.Running) != slotsEach || n < 10_000 || n > maxListing/rowSize {
			t.Errorf("%d jobs run and %d wait", len(m.Running), n)
		}
		frame, err := wire.NewDialect(wire.GH, wire.Limits{}).Append(nil, m)
		if err != nil || len(frame) > maxListing {
			t.Errorf("%d bytes: %v", len(frame), err)
		}
	})
	if running, waiting := l.state.list().Top(waits); len(running) != slotsEach || len(waiting) != waits {
		t.Errorf("%d run and %d wait", len(running), len(waiting))
	}
}
