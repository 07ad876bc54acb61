package vm

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestArgs(t *testing.T) {
	l := launch{id: "77", accel: tcg, memory: 2048, cpus: 3, image: image{"/i"}, dir: "/run/77", kernel: []string{"extra=1"}}
	after := func(args []string, flag string) string {
		i := slices.Index(args, flag)
		if i < 0 || i+1 == len(args) {
			t.Fatalf("no %s in %q", flag, args)
		}
		return args[i+1]
	}
	args := l.args()
	for flag, want := range map[string]string{
		"-name": "ingot-vm-77", "-m": "2048", "-smp": "3", "-cpu": "max", "-kernel": "/i/vmlinuz",
		"-netdev": "user,id=net,hostfwd=tcp:127.0.0.1:0-:22", "-serial": "file:/run/77/console.log",
	} {
		if got := after(args, flag); got != want {
			t.Errorf("%s is %q, want %q", flag, got, want)
		}
	}
	if got := after(args, "-append"); !strings.HasSuffix(got, " extra=1") {
		t.Errorf("kernel arguments are %q", got)
	}
	if slices.Contains(args, "-incoming") {
		t.Error("a boot waits for a state")
	}
	l.incoming, l.port = true, 2222
	args = l.args()
	if after(args, "-incoming") != "defer" || !strings.Contains(after(args, "-netdev"), "127.0.0.1:2222-") {
		t.Errorf("a restore on a fixed port has %q", args)
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := checkPort(t.Context(), port); !errors.Is(err, ErrPort) {
		t.Errorf("a port in use: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := checkPort(t.Context(), port); err != nil {
		t.Errorf("a free port: %v", err)
	}
	if _, err := Start(t.Context(), Config{Cache: t.TempDir(), SSHPort: 70000}); err == nil {
		t.Error("70000 is a port")
	}
}

func TestForwardedPort(t *testing.T) {
	const said = "Hub -1 (net):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n" +
		"  TCP[HOST_FORWARD]  12       127.0.0.1 39405       10.0.2.15    22     0     0\r\n"
	if port, err := forwardedPort(said); port != 39405 || err != nil {
		t.Errorf("port %d, %v", port, err)
	}
	if _, err := forwardedPort("Hub -1 (net):\n"); err == nil {
		t.Error("a port was found where there is none")
	}
}

// playQEMU answers each command with the next lines of script.
func playQEMU(t *testing.T, script ...string) *monitor {
	t.Helper()
	m, far, err := newMonitor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.conn.Close() })
	go func() {
		defer far.Close()
		if _, err := far.WriteString(`{"QMP": {"version": {}, "capabilities": []}}`); err != nil {
			return
		}
		for in := json.NewDecoder(far); len(script) > 0; script = script[1:] {
			var command map[string]any
			if in.Decode(&command) != nil {
				return
			}
			if _, err := far.WriteString(script[0]); err != nil {
				return
			}
		}
		_, _ = far.Read(make([]byte, 1)) // stay until the other end is gone
	}()
	return m
}

func TestMonitorKeepsEventsBetweenReplies(t *testing.T) {
	m := playQEMU(t, `{"return": {}}`,
		`{"event": "MIGRATION", "data": {"status": "active"}}{"event": "MIGRATION", "data": {"status": "completed"}}{"return": "text"}`)
	if err := m.hello(t.Context()); err != nil {
		t.Fatal(err)
	}
	var text string
	if err := m.call(t.Context(), "migrate", nil, &text); err != nil || text != "text" {
		t.Fatalf("reply %q, %v", text, err)
	}
	if err := m.migrated(t.Context()); err != nil {
		t.Errorf("a completed migration: %v", err)
	}
}

func TestMonitorFailures(t *testing.T) {
	m := playQEMU(t, `{"return": {}}`, `{"error": {"class": "GenericError", "desc": "no"}}`,
		`{"event": "MIGRATION", "data": {"status": "failed"}}{"return": {}}`)
	if err := m.hello(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.call(t.Context(), "cont", nil, nil); err == nil {
		t.Error("a refused command is no error")
	}
	if err := m.call(t.Context(), "migrate-incoming", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := m.migrated(t.Context()); err == nil {
		t.Error("a failed migration is no error")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(nil)
	if _, err := m.event(ctx); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a wait that was given up: %v", err)
	}
}
