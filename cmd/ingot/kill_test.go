package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/cmd/internal/client"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// A person learns whether there was such a job.
func TestKill(t *testing.T) {
	waiting := &wire.BackendGetQueue{Waiting: []wire.WaitingJob{{JobID: "j"}}}
	running := &wire.BackendGetQueue{Running: []wire.RunningJob{{JobID: "j", Agent: "grader1"}}}
	empty := &wire.BackendGetQueue{Waiting: []wire.WaitingJob{{JobID: "other"}}}
	for name, c := range map[string]struct {
		before, after *wire.BackendGetQueue
		want          string
		err           error
	}{
		"waiting":         {waiting, empty, "has ended; before, it waited", nil},
		"running":         {running, running, "ran on grader1, and was told to end", nil},
		"ended meanwhile": {running, empty, "has ended; before, it ran on grader1", nil},
		"came meanwhile":  {empty, running, "ran on grader1", nil},
		"unknown":         {empty, empty, "no such job", errUnlike},
	} {
		t.Run(name, func(t *testing.T) {
			addr, killed := killStub(t, c.before, c.after)
			end, err := zmtp.Dial(addr, zmtp.Config{})
			if err != nil {
				t.Fatal(err)
			}
			cl := client.New(end, wire.Limits{})
			defer func() { cl.Close(); end.Close() }()
			if _, err := cl.Environments(t.Context()); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := kill(t.Context(), cl, "j", &out); !errors.Is(err, c.err) {
				t.Errorf("ended with %v, want %v", err, c.err)
			}
			if !strings.Contains(out.String(), c.want) {
				t.Errorf("said %q, want %q", out.String(), c.want)
			}
			if got := <-killed; got != "j" {
				t.Errorf("killed %q", got)
			}
		})
	}
}

// killStub is a backend that lists before until it has heard of a kill, which it
// tells, and after from then on.
func killStub(t *testing.T, before, after *wire.BackendGetQueue) (addr string, killed <-chan string) {
	t.Helper()
	heard := make(chan string, 1)
	queue := before
	addr = serve(t, "ipc://"+filepath.Join(t.TempDir(), "s"), zmtp.Config{}, func(m wire.Message) []wire.Message {
		switch m := m.(type) {
		case *wire.ClientGetQueue:
			return []wire.Message{queue}
		case *wire.ClientKillJob:
			queue = after
			heard <- m.JobID
			return nil
		}
		return reply(m, nil)
	})
	return addr, heard
}
