//go:build native || vm

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// patience is for emulated machines.
const patience = 5 * time.Minute

// client is a webapp's side of the backend.
type client struct {
	t       testing.TB
	end     *zmtp.Dealer
	dialect *wire.Dialect
	peer    wire.Peer
	n       int
	env     string // that jobs ask for
}

func dial(t testing.TB, addr string) *client {
	end, err := zmtp.Dial(addr, zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end.Close() })
	return &client{t: t, end: end, dialect: wire.NewDialect(wire.GH, wire.Limits{}), env: "demo"}
}

// next returns the next message of the backend. On a new connection it says hello.
func (c *client) next() wire.Message {
	c.t.Helper()
	late := time.After(patience)
	for {
		select {
		case ev := <-c.end.Events():
			switch ev.Kind {
			case wire.PeerUp:
				c.peer = ev.Peer
				c.send(&wire.ClientHello{Name: "me"})
			case wire.PeerDown:
				c.t.Fatalf("the backend closed the connection: %v", ev.Err)
			case wire.PeerMessage:
				m, err := c.dialect.Decode(ev.Frame)
				if err != nil {
					c.t.Fatal(err)
				}
				return m
			}
		case <-late:
			c.t.Fatal("the backend is silent")
		}
	}
}

func (c *client) send(m wire.Message) {
	c.t.Helper()
	frame, err := c.dialect.Append(nil, m)
	if err == nil {
		err = c.end.Send(c.peer, frame)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) awaitEnvironment(typ, name string) {
	c.t.Helper()
	for {
		m, ok := c.next().(*wire.BackendUpdateEnvironments)
		if ok && slices.ContainsFunc(m.Available, func(e wire.EnvironmentNames) bool { return e.Type == typ && slices.Contains(e.Names, name) }) {
			return
		}
	}
}

// limits of a job: seconds and MiB. Zero leaves the agent's default.
type limits struct{ time, hard, memory int64 }

// job builds a submission of a task of course "c" with the state "before".
func (c *client) job(task string, l limits) *wire.ClientNewJob {
	c.n++
	b := msgp.AppendMapHeader(nil, 1)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "limits"), 3)
	for _, e := range []struct {
		name  string
		value int64
	}{{"time", l.time}, {"hard_time", l.hard}, {"memory", l.memory}} {
		b = msgp.AppendString(b, e.name)
		if e.value == 0 {
			e.value = map[string]int64{"time": 120, "hard_time": 240, "memory": 100}[e.name]
		}
		b = msgp.AppendInt64(b, e.value)
	}
	return &wire.ClientNewJob{
		JobID: fmt.Sprintf("job-%d", c.n), CourseID: wire.Nullable{Value: "c"}, TaskID: wire.Nullable{Value: task},
		InputData:       msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "@state"), "before"),
		EnvironmentType: "docker", Environment: c.env, Parameters: b,
	}
}

// grade submits a job and returns its result.
func (c *client) grade(j *wire.ClientNewJob) *wire.BackendJobDone {
	c.t.Helper()
	c.send(j)
	return c.done(j.JobID)
}

// gradeAndMeasure submits a job that asks what it used.
func (c *client) gradeAndMeasure(j *wire.ClientNewJob) (*wire.BackendJobDone, wire.Usage) {
	c.t.Helper()
	j.InputData = append(wire.Raw{j.InputData[0] + 1}, j.InputData[1:]...) // a small map
	j.InputData = append(msgp.AppendString(j.InputData, wire.UsageKey), 0xc3)
	done := c.grade(j)
	used, ok, err := wire.UsageOf(done.Custom)
	if err != nil || !ok {
		c.t.Fatalf("%s %q does not say what it used: %v", done.Status, done.Text, err)
	}
	return done, used
}

// started waits until an agent has the job.
func (c *client) started(id string) {
	c.t.Helper()
	for {
		if m, ok := c.next().(*wire.BackendJobStarted); ok && m.JobID == id {
			return
		}
	}
}

// done waits for a job's result; no other job may end before it.
func (c *client) done(id string) *wire.BackendJobDone {
	c.t.Helper()
	m := c.nextDone()
	if m.JobID != id {
		c.t.Fatalf("result of %s, want %s", m.JobID, id)
	}
	return m
}

// nextDone waits for any job's result.
func (c *client) nextDone() *wire.BackendJobDone {
	c.t.Helper()
	for {
		if m, ok := c.next().(*wire.BackendJobDone); ok {
			return m
		}
	}
}

// wantPhases wants phases of those names, and returns how long they took.
func wantPhases(t *testing.T, phases []wire.Phase, want ...string) (sum time.Duration) {
	t.Helper()
	var names []string
	for _, p := range phases {
		if p.Took <= 0 {
			t.Errorf("%s took %v", p.Name, p.Took)
		}
		names, sum = append(names, p.Name), sum+p.Took
	}
	if !slices.Equal(names, want) {
		t.Errorf("phases %q, want %q", names, want)
	}
	return sum
}
