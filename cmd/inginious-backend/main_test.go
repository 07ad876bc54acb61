package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
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

	"github.com/ingot-grading/ingot/cmd/internal/app"
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

// Wrong settings stay wrong: status 78. What the machine refuses may pass: status 1.
// Either is said in one line.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	here, there := "ipc://"+filepath.Join(dir, "a"), "ipc://"+filepath.Join(dir, "c")
	taken, err := zmtp.Listen("tcp://127.0.0.1:*", zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(slog.New(slog.DiscardHandler), 0, taken)
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		status int
		args   []string
	}{
		"no address":            {app.ExitUsage, nil},
		"one address":           {app.ExitUsage, []string{here}},
		"not an address":        {app.ExitUsage, []string{here, "nonsense"}},
		"address in use":        {1, []string{here, taken.Addr()}},
		"not our address":       {1, []string{"tcp://192.0.2.1:2001", there}},
		"no such file":          {app.ExitUsage, []string{here, there, "--config", filepath.Join(dir, "none")}},
		"no certificate":        {app.ExitUsage, []string{"tls://127.0.0.1:*", there}},
		"missing key":           {app.ExitUsage, []string{here, there, "--tls-cert", empty}},
		"missing password":      {app.ExitUsage, []string{here, there, "--plain-file", filepath.Join(dir, "none")}},
		"empty token":           {app.ExitUsage, []string{here, there, "--http-token-file", empty}},
		"bad status address":    {app.ExitUsage, []string{here, there, "--http", "nowhere:at:all"}},
		"status address in use": {1, []string{here, there, "--http", strings.TrimPrefix(taken.Addr(), "tcp://")}},
		"negative limit":        {app.ExitUsage, []string{here, there, "--queue-limit=-1"}},
		"negative bytes":        {app.ExitUsage, []string{here, there, "--queue-bytes=-1"}},
		"nobody may connect":    {app.ExitUsage, []string{here, there, "--max-peers=0"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], c.args...)
			cmd.Env = append(os.Environ(), asProgram+"=1")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			cmd.Run() // the status is looked at below
			if code := cmd.ProcessState.ExitCode(); code != c.status || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("status %d, stderr %q; want %d and one line", code, stderr.String(), c.status)
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
	if line := p.logged("jobs ended with a crash, as this backend stops"); line["level"] != "WARN" || line["jobs"] != 1.0 {
		t.Errorf("logged %v", line)
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

// pongs answers all that comes from now on as pings, of which an agent may leave
// no more than a few unanswered.
func (c *client) pongs() {
	c.t.Helper()
	pong, err := c.dialect.Append(nil, &wire.Pong{})
	if err != nil {
		c.t.Fatal(err)
	}
	go func() {
		for range c.dealer.Events() {
			_ = c.dealer.Send(c.peer, pong) // at the end there is nobody to send to
		}
	}()
}

// All that waits may be answered at once. A client that reads is not taken for one
// that does not.
func TestManyAnswersAtOnce(t *testing.T) {
	const jobs = 10_000
	dir := t.TempDir()
	p := start(t, "ipc://"+filepath.Join(dir, "a"), "ipc://"+filepath.Join(dir, "c"), "--drain", "1m")
	serving := p.logged("serving")
	c := dial(t, serving["clients"].(string), zmtp.Config{QueueMessages: 2 * jobs})
	c.say(&wire.ClientHello{Name: "me"})
	for i := range jobs {
		c.say(&wire.ClientNewJob{JobID: fmt.Sprint(i), EnvironmentType: "docker", Environment: "default"})
	}
	a := dial(t, serving["agents"].(string), zmtp.Config{})
	a.say(&wire.AgentHello{Slots: 1, Environments: []wire.Environment{{Type: "docker", Name: "default", Advertised: true}}})
	a.hear(&wire.BackendNewJob{}) // while it runs the program goes on
	a.pongs()
	c.say(&wire.Ping{})
	c.hear(&wire.Pong{}) // all have arrived
	p.signal(syscall.SIGTERM)
	for range jobs - 1 {
		c.hear(&wire.BackendJobDone{})
	}
	a.say(&wire.AgentJobDone{JobID: "0"})
	c.hear(&wire.BackendJobDone{})
	if code := p.exit(); code != 0 {
		t.Errorf("status %d", code)
	}
}

// Results that together are far more than --max-queue, and what is said behind them,
// reach a client that does not read them at once.
func TestLongResultsTogether(t *testing.T) {
	const jobs, size = 10, 3 << 20
	p := start(t, "ipc://"+filepath.Join(t.TempDir(), "a"), "tcp://127.0.0.1:*", "--max-queue", "1048576", "--max-message", "4194304")
	serving := p.logged("serving")
	c := rawClient(t, serving["clients"].(string))
	rawSay(t, c, &wire.ClientHello{Name: "me"})
	for i := range jobs {
		rawSay(t, c, &wire.ClientNewJob{JobID: fmt.Sprint(i), EnvironmentType: "docker", Environment: "default"})
	}
	a := dial(t, serving["agents"].(string), zmtp.Config{})
	a.say(&wire.AgentHello{Slots: jobs, Environments: []wire.Environment{{Type: "docker", Name: "default", Advertised: true}}})
	for range jobs {
		a.hear(&wire.BackendNewJob{})
	}
	for i := range jobs {
		a.say(&wire.AgentJobDone{JobID: fmt.Sprint(i), Result: wire.Result{Status: "success", Archive: make([]byte, size)}})
		rawSay(t, c, &wire.Ping{})
	}
	if n, err := io.CopyN(io.Discard, c, jobs*size); err != nil {
		t.Errorf("%d bytes arrived: %v", n, err)
	}
	c.Close()
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("status %d", code)
	}
}

// rawSay writes a message as one frame, with the header of a long one.
func rawSay(t *testing.T, c io.Writer, m wire.Message) {
	t.Helper()
	frame, err := wire.NewDialect(wire.GH, wire.Limits{}).Append([]byte{2, 0, 0, 0, 0, 0, 0, 0, 0}, m)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(frame[1:], uint64(len(frame)-9))
	if _, err := c.Write(frame); err != nil {
		t.Fatal(err)
	}
}

// A long result that comes while the program stops reaches a client that takes its
// time, as long as some of --drain is left.
func TestLongResultAtTheEnd(t *testing.T) {
	const size = 32 << 20 // more than the kernel takes
	p := start(t, "ipc://"+filepath.Join(t.TempDir(), "a"), "tcp://127.0.0.1:*", "--drain", "1m")
	serving := p.logged("serving")
	c := rawClient(t, serving["clients"].(string))
	rawSay(t, c, &wire.ClientHello{Name: "me"})
	rawSay(t, c, &wire.ClientNewJob{JobID: "j", EnvironmentType: "docker", Environment: "default"})
	a := dial(t, serving["agents"].(string), zmtp.Config{})
	a.say(&wire.AgentHello{Slots: 1, Environments: []wire.Environment{{Type: "docker", Name: "default", Advertised: true}}})
	a.hear(&wire.BackendNewJob{})
	p.signal(syscall.SIGTERM)
	p.logged("stopping")
	a.say(&wire.AgentJobDone{JobID: "j", Result: wire.Result{Status: "success", Archive: make([]byte, size)}})
	for ev := range a.dealer.Events() {
		if ev.Kind == wire.PeerDown { // it has ended but for what is queued
			break
		}
	}
	<-time.After(2 * minLinger)
	if n, err := io.Copy(io.Discard, c); err != nil || n < size {
		t.Errorf("%d bytes arrived: %v", n, err)
	}
	c.Close()
	if code := p.exit(); code != 0 {
		t.Errorf("status %d", code)
	}
}
