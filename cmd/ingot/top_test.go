package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// busy is a backend in the middle of its work.
func busy() *snapshot {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	return &snapshot{
		page: "http://grading:2080", Now: now, Clients: 2, Slots: 6, Running: 3, Waiting: 120,
		Agents: []agentSnapshot{
			{Name: "grader1", State: "ready", Since: now.Add(-26 * time.Hour), Slots: 4, Running: 3, Environments: []string{"docker/default", "mcq/mcq"}},
			{Addr: "tcp://10.0.0.2:4711", State: "away", Since: now.Add(-90 * time.Second), Slots: 2},
		},
		RunningJobs: []jobSnapshot{
			{Job: "j1", Info: "algo/sort", Environment: "docker/default", Agent: "grader1", Launcher: "Frontend - ada", Max: 30, Seconds: 2.25},
			{Job: "j2", Info: "algo/\x1b[2Jloop", Environment: "docker/default", Agent: "grader1", Launcher: "Frontend - bob", Max: 30, Seconds: 95},
			{Job: "j3", Info: "algo/free", Environment: "docker/default", Agent: "grader1", Launcher: "Frontend - eve", Max: -1},
		},
		WaitingJobs: []jobSnapshot{{Job: "j4", Info: "algo/sort", Environment: "docker/default", Launcher: "Frontend - dan", Seconds: 0.5}},
		RecentJobs: []endedSnapshot{
			{Job: "j0", Info: "algo/sort", Environment: "docker/default", Agent: "grader1", Launcher: "Frontend - ada", Status: "success", Ended: now.Add(-3 * time.Second), Ran: 1.5},
			{Job: "i9", Info: "algo/loop", Environment: "docker/default", Agent: "grader1", Launcher: "Frontend - bob", Status: "timeout", Ended: now.Add(-2 * time.Hour), Ran: 61},
		},
	}
}

func TestTopDraws(t *testing.T) {
	want := `http://grading:2080  03:04:05  clients 2  slots 6  running 3  waiting 120

AGENT                STATE  BUSY  SLOTS  SINCE  ENVIRONMENTS
grader1              ready  ###.  3/4    1d02h  docker/default mcq/mcq
tcp://10.0.0.2:4711  away   ..    0/2    1m30s

RUNNING  TASK           ENVIRONMENT     AGENT    FOR    AT MOST  LAUNCHER
j1       algo/sort      docker/default  grader1  2.2s   30s      Frontend - ada
j2       algo/?[2Jloop  docker/default  grader1  1m35s  30s      Frontend - bob
j3       algo/free      docker/default  grader1  0.0s            Frontend - eve

WAITING  TASK       ENVIRONMENT     FOR   LAUNCHER
j4       algo/sort  docker/default  0.5s  Frontend - dan
and 119 more

ENDED  TASK       ENVIRONMENT     AGENT    STATUS   TOOK   AGO    LAUNCHER
j0     algo/sort  docker/default  grader1  success  1.5s   3s     Frontend - ada
i9     algo/loop  docker/default  grader1  timeout  1m01s  2h00m  Frontend - bob`
	if got := strings.Join(draw(busy(), view{plain: true}), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Whatever the terminal's size, the picture fits and the most important stays.
func TestTopFits(t *testing.T) {
	for height := 1; height < 40; height++ {
		for _, width := range []int{1, 20, 80} {
			lines := draw(busy(), view{width: width, height: height, plain: true})
			if len(lines) > height || len(lines) == 0 {
				t.Fatalf("%d lines on %d", len(lines), height)
			}
			for _, l := range lines {
				if n := len([]rune(l)); n > width {
					t.Fatalf("%d columns on %d: %q", n, width, l)
				}
			}
			text := strings.Join(lines, "\n")
			for _, head := range []string{"AGENT", "RUNNING", "WAITING", "ENDED"} {
				if width == 80 && height >= 13 && !strings.Contains(text, head) {
					t.Errorf("%d lines show no %s", height, head)
				}
			}
		}
	}
}

func TestTopColours(t *testing.T) {
	lines := draw(busy(), view{width: 100, height: 40})
	for _, want := range []string{"\x1b[31mtcp://10.0.0.2:4711", "\x1b[32mj1", "\x1b[31mj2", "\x1b[33mj4", "\x1b[31mi9"} {
		if !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("no %q", want)
		}
	}
	old := busy()
	old.err = errors.New("the backend is gone")
	if lines := draw(old, view{}); !strings.HasPrefix(lines[0], "\x1b[31m") || !strings.Contains(lines[0], "is gone") || len(lines) < 5 {
		t.Errorf("with an old picture: %q", lines[0])
	}
}

// desk is a terminal that tells each picture drawn on it.
type desk struct {
	pictures chan string
	typed    chan byte
	winch    chan os.Signal
	mu       sync.Mutex
	width    int
}

func newDesk() *desk {
	return &desk{pictures: make(chan string, 100), typed: make(chan byte), winch: make(chan os.Signal), width: 80}
}

func (d *desk) Write(b []byte) (int, error) { d.pictures <- string(b); return len(b), nil }
func (d *desk) keys() <-chan byte           { return d.typed }
func (d *desk) resized() <-chan os.Signal   { return d.winch }
func (d *desk) size() (int, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.width, 24
}

func TestTopWatches(t *testing.T) {
	for name, quit := range map[string]func(*desk, context.CancelCauseFunc){
		"q":        func(d *desk, _ context.CancelCauseFunc) { d.typed <- 'q' },
		"Ctrl-C":   func(d *desk, _ context.CancelCauseFunc) { d.typed <- 3 },
		"a signal": func(_ *desk, stop context.CancelCauseFunc) { stop(errQuit) },
		"a signal, nobody at the keyboard": func(d *desk, stop context.CancelCauseFunc) {
			close(d.typed)
			stop(errQuit)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, updates, over := newDesk(), make(chan *snapshot), make(chan error, 1)
			ctx, stop := context.WithCancelCause(t.Context())
			defer stop(nil)
			go func() { over <- watch(ctx, d, updates, busy(), true) }()
			if p := <-d.pictures; !strings.HasPrefix(p, "\x1b[H") || !strings.Contains(p, "waiting 120") {
				t.Errorf("drawn first: %q", p)
			}
			next := busy()
			next.Waiting = 7
			updates <- next
			if p := <-d.pictures; !strings.Contains(p, "waiting 7") {
				t.Errorf("drawn after an update: %q", p)
			}
			d.typed <- 'x'
			<-d.pictures
			d.mu.Lock()
			d.width = 10
			d.mu.Unlock()
			d.winch <- os.Interrupt
			if p := <-d.pictures; strings.Contains(p, "waiting") {
				t.Errorf("drawn on ten columns: %q", p)
			}
			quit(d, stop)
			if err := <-over; err != nil {
				t.Error(err)
			}
		})
	}
}

// A real backend's page is understood, and its end is seen.
func TestTopReadsBackend(t *testing.T) {
	dir := t.TempDir()
	listen := func(name string) *zmtp.Router {
		r, err := zmtp.Listen("ipc://"+filepath.Join(dir, name), zmtp.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return r
	}
	agents := listen("a")
	b := backend.New(agents, listen("c"), backend.Config{Sched: sched.DefaultConfig()})
	ctx, stop := context.WithCancelCause(t.Context())
	over := make(chan error, 1)
	go func() { over <- b.Run(ctx) }()
	defer func() { stop(errQuit); <-over }()
	page := httptest.NewServer(b.Handler("", prometheus.NewRegistry()))
	defer page.Close()

	agent, err := zmtp.Dial(agents.Addr(), zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	hello, err := wire.NewDialect(wire.GH, wire.Limits{}).Append(nil, &wire.AgentHello{FriendlyName: "grader1", Slots: 3,
		Environments: []wire.Environment{{Type: "docker", Name: "default", ID: "1", Advertised: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Send((<-agent.Events()).Peer, hello); err != nil {
		t.Fatal(err)
	}
	<-agent.Events() // it was read: a backend greets

	src := newSource(strings.TrimPrefix(page.URL, "http://"))
	first, err := src.fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Agents) != 1 || first.Slots != 3 || first.Now.IsZero() {
		t.Fatalf("read %+v", first)
	}
	if a := first.Agents[0]; a.Name != "grader1" || a.State != "ready" || a.Slots != 3 || a.Since.IsZero() || a.Environments[0] != "docker/default" {
		t.Errorf("read %+v", a)
	}
	updates := src.poll(t.Context(), time.Millisecond)
	if now := <-updates; now.err != nil || len(now.Agents) != 1 {
		t.Errorf("polled %+v", now)
	}
	page.Close()
	for now := range updates {
		if now.err == nil {
			continue // was under way
		}
		if len(now.Agents) != 1 {
			t.Errorf("without a page, the last is forgotten: %+v", now)
		}
		break
	}
	if _, err := src.fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "--http") {
		t.Errorf("without a page: %v", err)
	}
}
