package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// The test's own binary is the program when this is set.
const asProgram = "TEST_AS_INGINIOUS_BACKEND"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program is a running inginious-backend.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	logs *bufio.Scanner
	text strings.Builder // all that was read of logs
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &program{t: t, cmd: cmd, logs: bufio.NewScanner(stderr)}
}

// logged returns the next log line with that message.
func (p *program) logged(msg string) map[string]any {
	p.t.Helper()
	for p.logs.Scan() {
		line := map[string]any{}
		p.text.WriteString(p.logs.Text() + "\n")
		if err := json.Unmarshal(p.logs.Bytes(), &line); err != nil {
			p.t.Fatalf("log line %q: %v", p.logs.Text(), err)
		}
		if line["msg"] == msg {
			return line
		}
	}
	p.t.Fatalf("the program ended without logging %q", msg)
	return nil
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exit returns the status of a program that ends by itself.
func (p *program) exit() int {
	p.t.Helper()
	for p.logs.Scan() {
		p.text.WriteString(p.logs.Text() + "\n")
		p.t.Log(p.logs.Text())
	}
	err := p.cmd.Wait()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func TestMistakesEndWithStatus2(t *testing.T) {
	dir := t.TempDir()
	here, there := "ipc://"+filepath.Join(dir, "a"), "ipc://"+filepath.Join(dir, "c")
	taken, err := zmtp.Listen("tcp://127.0.0.1:*", zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(slog.New(slog.DiscardHandler), taken)
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"no address":         {},
		"one address":        {here},
		"not an address":     {here, "nonsense"},
		"address in use":     {here, taken.Addr()},
		"not our address":    {"tcp://192.0.2.1:2001", there},
		"no such file":       {here, there, "--config", filepath.Join(dir, "none")},
		"no certificate":     {"tls://127.0.0.1:*", there},
		"missing key":        {here, there, "--tls-cert", empty},
		"empty token":        {here, there, "--http-token-file", empty},
		"bad status address": {here, there, "--http", "nowhere:at:all"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
			cmd.Env = append(os.Environ(), asProgram+"=1")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			cmd.Run() // the status is looked at below
			if code := cmd.ProcessState.ExitCode(); code != 2 || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("status %d, stderr %q; want 2 and one line", code, stderr.String())
			}
		})
	}
}

func TestServesUntilSIGTERM(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "env")
	if err := os.WriteFile(file, []byte("queue_limit=10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "tcp://127.0.0.1:*", "ipc://"+filepath.Join(dir, "c"), "--http", "127.0.0.1:0", "--config", file)
	page := p.logged("serving HTTP")
	clients := p.logged("serving")["clients"].(string)

	resp, err := http.Get("http://" + page["addr"].(string) + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("readyz: %s", resp.Status)
	}
	resp, err = http.Get("http://" + page["addr"].(string) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	for _, want := range []string{"connections", "queued_messages", "queued_bytes", "handshakes_failed_total"} {
		if want = fmt.Sprintf(`ingot_backend_%s{side="agent"} 0`, want); err != nil || !strings.Contains(string(metrics), want) {
			t.Errorf("metrics without %s: %v", want, err)
		}
	}

	c := dial(t, clients, zmtp.Config{})
	c.say(&wire.ClientHello{Name: "me"}, &wire.ClientNewJob{JobID: "j1", EnvironmentType: "docker", Environment: "default"})
	c.hear(&wire.BackendUpdateEnvironments{})

	if err := os.WriteFile(file, []byte("queue_limit=1\nmax_message=2000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.logged("configuration reloaded")
	c.say(&wire.ClientNewJob{JobID: "j2", EnvironmentType: "docker", Environment: "default"})
	if done := c.hear(&wire.BackendJobDone{}).(*wire.BackendJobDone); done.JobID != "j2" || done.Status != "crash" {
		t.Errorf("over the new limit: %+v", done)
	}
	c.say(&wire.ClientNewJob{JobID: "j3", EnvironmentType: "docker", Environment: "default", Launcher: strings.Repeat("x", 2000)})
	if done := c.hear(&wire.BackendJobDone{}).(*wire.BackendJobDone); done.JobID != "j3" || !strings.Contains(done.Text, "too large") {
		t.Errorf("longer than the new limit: %+v", done)
	}

	p.signal(syscall.SIGTERM)
	if done := c.hear(&wire.BackendJobDone{}).(*wire.BackendJobDone); done.JobID != "j1" || done.Status != "crash" {
		t.Errorf("at the end: %+v", done)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("status %d", code)
	}
}

// No password that passes by is in the most verbose log: that of agents, a wrong
// one, and the way into a container.
func TestPasswordsAreNotLogged(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "plain")
	if err := os.WriteFile(file, []byte("grader:Sesame-own\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "ipc://"+filepath.Join(dir, "a"), "ipc://"+filepath.Join(dir, "c"), "-v", "--plain-file", file)
	serving := p.logged("serving")

	stranger, err := zmtp.Dial(serving["agents"].(string), zmtp.Config{Plain: &zmtp.Credentials{User: "grader", Password: "Sesame-wrong"}})
	if err != nil {
		t.Fatal(err)
	}
	defer shutDealer(stranger)
	p.logged("handshake failed")
	a := dial(t, serving["agents"].(string), zmtp.Config{Plain: &zmtp.Credentials{User: "grader", Password: "Sesame-own"}})
	a.say(&wire.AgentHello{Slots: 1, Environments: []wire.Environment{{Type: "docker", Name: "default", Advertised: true}}})
	p.logged("agent joined")
	c := dial(t, serving["clients"].(string), zmtp.Config{})
	c.say(&wire.ClientHello{Name: "me"}, &wire.ClientNewJob{JobID: "j1", EnvironmentType: "docker", Environment: "default", Debug: wire.DebugSSH})
	a.hear(&wire.BackendNewJob{})
	a.say(&wire.AgentJobStarted{JobID: "j1"}, &wire.AgentJobSSHDebug{JobID: "j1", SSH: wire.SSH{Host: "h", Port: 22, User: "u", Password: "Sesame-shell"}})
	if way := c.hear(&wire.BackendJobSSHDebug{}).(*wire.BackendJobSSHDebug); way.Password != "Sesame-shell" {
		t.Errorf("the client got %v", way.SSH)
	}
	a.say(&wire.AgentJobSSHDebug{JobID: "unknown", SSH: wire.SSH{Password: "Sesame-shell"}}, &wire.AgentJobDone{JobID: "j1"})
	c.hear(&wire.BackendJobDone{})
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 || strings.Contains(p.text.String(), "Sesame") || !strings.Contains(p.text.String(), "job ended") {
		t.Errorf("status %d, and it logged:\n%s", code, &p.text)
	}
}

func shutDealer(d *zmtp.Dealer) {
	d.Close()
	for range d.Events() {
	}
}

// client is a client or an agent of the program.
type client struct {
	t       *testing.T
	dealer  *zmtp.Dealer
	dialect *wire.Dialect
	peer    wire.Peer
}

func dial(t *testing.T, addr string, cfg zmtp.Config) *client {
	t.Helper()
	d, err := zmtp.Dial(addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutDealer(d) })
	return &client{t, d, wire.NewDialect(wire.GH, wire.Limits{}), (<-d.Events()).Peer}
}

func (c *client) say(msgs ...wire.Message) {
	c.t.Helper()
	for _, m := range msgs {
		frame, err := c.dialect.Append(nil, m)
		if err != nil {
			c.t.Fatal(err)
		}
		if err := c.dealer.Send(c.peer, frame); err != nil {
			c.t.Fatal(err)
		}
	}
}

// hear waits for a message like want.
func (c *client) hear(want wire.Message) wire.Message {
	c.t.Helper()
	for ev := range c.dealer.Events() {
		if ev.Kind != wire.PeerMessage {
			c.t.Fatalf("disconnected: %v", ev.Err)
		}
		if err := c.dialect.DecodeInto(ev.Frame, want); err == nil {
			return want
		}
	}
	return nil
}
