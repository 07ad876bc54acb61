package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/cmd/internal/uplink"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// The whole program but for its process: it says hello, grades a job that comes
// through TCP, counts it, ends without an error when it is told to, and keeps
// systemd informed.
func TestServesABackend(t *testing.T) {
	tasks := t.TempDir()
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	t.Setenv("NOTIFY_SOCKET", systemd.LocalAddr().String())
	if err := os.MkdirAll(filepath.Join(tasks, "course", "task"), 0o755); err != nil {
		t.Fatal(err)
	}
	router, err := zmtp.Listen("tcp://127.0.0.1:0", zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close()
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	ended, page := make(chan error, 1), make(pageAddr, 1)
	p := process(config{
		Connection:  uplink.Connection{Backend: router.Addr(), FriendlyName: "quiz", Wire: "head"},
		Concurrency: 3, Tasks: tasks, HTTP: "127.0.0.1:0",
	})
	p.Log = slog.New(page)
	go func() { ended <- run(ctx, p) }()

	dialect := wire.NewDialect(wire.GH, wire.Limits{})
	for ev := range router.Events() {
		if ev.Kind != wire.PeerMessage {
			continue
		}
		msg, err := dialect.Decode(ev.Frame)
		if err != nil {
			t.Fatal(err)
		}
		switch m := msg.(type) {
		case *wire.AgentHello:
			if m.FriendlyName != "quiz" || m.Slots != 3 || len(m.Environments) != 1 {
				t.Errorf("hello %+v", m)
			}
			send(t, router, ev.Peer, dialect)
		case *wire.AgentJobDone:
			if m.JobID != "j" || m.Status != "success" || m.Grade != 100 || !m.Stdout.Null {
				t.Errorf("result %+v", m)
			}
			expectMetric(t, <-page, `ingot_mcq_jobs_total{status="success"} 1`)
			stop(errors.New("told to"))
			if err := <-ended; err != nil {
				t.Error(err)
			}
			expectNotices(t, systemd, "READY=1", "STOPPING=1")
			return
		}
	}
}

// pageAddr is a log handler that keeps the address of the metrics.
type pageAddr chan string

func (pageAddr) Enabled(context.Context, slog.Level) bool { return true }
func (a pageAddr) WithAttrs([]slog.Attr) slog.Handler     { return a }
func (a pageAddr) WithGroup(string) slog.Handler          { return a }
func (a pageAddr) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "serving HTTP" {
		r.Attrs(func(attr slog.Attr) bool { a <- attr.Value.String(); return false })
	}
	return nil
}

// expectMetric reads the metrics served at addr.
func expectMetric(t *testing.T, addr, want string) {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if all, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(all), want) {
		t.Errorf("metrics without %s: %v", want, err)
	}
}

// expectNotices reads what the program told systemd.
func expectNotices(t *testing.T, systemd *net.UnixConn, want ...string) {
	t.Helper()
	if err := systemd.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		buf := make([]byte, 100)
		if n, err := systemd.Read(buf); err != nil || string(buf[:n]) != w {
			t.Fatalf("systemd reads %q, %v, want %q", buf[:n], err, w)
		}
	}
}

// send gives the peer a job of one match problem.
func send(t *testing.T, router *zmtp.Router, peer wire.Peer, dialect *wire.Dialect) {
	t.Helper()
	problems := msgp.AppendMapStrStr(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "m"), map[string]string{"type": "match", "answer": "42"})
	frame, err := dialect.Append(nil, &wire.BackendNewJob{
		JobID: "j", CourseID: wire.Nullable{Value: "course"}, TaskID: wire.Nullable{Value: "task"},
		EnvironmentType: "mcq", Environment: "mcq",
		TaskProblems: problems, InputData: msgp.AppendMapStrStr(nil, map[string]string{"m": "42"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := router.Send(peer, frame); err != nil {
		t.Fatal(err)
	}
}

// What an operator gets wrong is said at once.
func TestRefusesToStart(t *testing.T) {
	for want, cfg := range map[string]config{
		"tasks directory": {Connection: uplink.Connection{Backend: "tcp://127.0.0.1:1", Wire: "head"}, Concurrency: 1, Tasks: "/nonexistent"},
		"address":         {Connection: uplink.Connection{Backend: "nonsense", Wire: "head"}, Concurrency: 1, Tasks: "."},
		"--concurrency":   {Connection: uplink.Connection{Backend: "tcp://127.0.0.1:1", Wire: "head"}, Tasks: "."},
		"serve HTTP":      {Connection: uplink.Connection{Backend: "tcp://127.0.0.1:1", Wire: "head"}, Concurrency: 1, Tasks: ".", HTTP: "nonsense"},
	} {
		if err := run(t.Context(), process(cfg)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func process(cfg config) *app.Process[config] {
	return &app.Process[config]{Config: &cfg, Log: slog.New(slog.DiscardHandler)}
}
