package student

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/grading"
	"github.com/ingot-grading/ingot/wire/student"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mainProcess stands in for the main process: a test answers its requests.
type mainProcess struct {
	t      *testing.T
	dir    string
	router *mainsock.Router
}

func newMain(t *testing.T) *mainProcess {
	t.Helper()
	dir := t.TempDir()
	r, err := mainsock.Listen(filepath.Join(dir, "main.sock"), os.Geteuid(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m := &mainProcess{t, dir, r}
	t.Cleanup(func() {
		r.Close()
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	return m
}

// next is the next request that is a message of M; others are dummy messages.
func next[M grading.Message](m *mainProcess) (M, *mainsock.Peer) {
	m.t.Helper()
	for {
		r := <-m.router.Requests()
		r.Take()
		if got, err := grading.Decode(r.Payload); err == nil {
			if got, ok := got.(M); ok {
				return got, r.Peer
			}
			m.t.Fatalf("got a %T", got)
		}
	}
}

// rearms takes dummy messages until the test ends.
func (m *mainProcess) rearms(done <-chan ended) ended {
	for {
		select {
		case r := <-m.router.Requests():
			r.Take()
		case e := <-done:
			return e
		}
	}
}

func say(p *mainsock.Peer, kind string, fields ...any) {
	o := new(pyjson.Object)
	o.Set("type", kind)
	for i := 0; i < len(fields); i += 2 {
		o.Set(fields[i].(string), fields[i+1])
	}
	p.Reply(pyjson.AppendMsgpack(nil, o), nil)
}

type ended struct {
	code int
	err  error
}

// ask runs a request with pipes for its files, of which it returns our ends.
func ask(t *testing.T, m *mainProcess, r Request, signals <-chan os.Signal) (stdin, stdout *os.File, done <-chan ended) {
	t.Helper()
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range []*os.File{inR, inW, outR, outW} {
			f.Close()
		}
	})
	ch := make(chan ended, 1)
	go func() {
		code, err := r.Run(context.WithoutCancel(t.Context()), m.dir, [3]*os.File{inR, outW, outW}, signals)
		inR.Close()
		outW.Close()
		ch <- ended{code, err}
	}()
	return inW, outR, ch
}

// join is the student container's side.
func join(t *testing.T, m *mainProcess, socketID string) (*student.Shim, student.Command, [3]*os.File) {
	t.Helper()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(m.dir, socketID+".sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	shim, cmd, files, err := student.Join(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range files {
			f.Close()
		}
	})
	return shim, cmd, files
}

func TestCommandGetsFilesAndSignals(t *testing.T) {
	m := newMain(t)
	signals := make(chan os.Signal, 1)
	stdin, stdout, done := ask(t, m, Request{Command: "./a.out x", Teardown: "rm y", Dir: "/task/student", Time: 3}, signals)
	req, peer := next[*grading.RunStudent](m)
	if req.TimeLimit != 3 || req.SSH || req.Environment != nil {
		t.Errorf("request %+v", req)
	}
	signals <- syscall.SIGUSR1 // before there is a command
	say(peer, "run_student_started", "container_id", "c1")
	r := <-m.router.Requests()
	r.Take()
	shim, cmd, files := join(t, m, req.SocketID)
	if *cmd.Command != "./a.out x" || *cmd.Teardown != "rm y" || cmd.WorkingDir != "/task/student" || cmd.User != "worker" || cmd.ContainerID != "c1" {
		t.Errorf("command %+v", cmd)
	}
	if s, err := shim.Signal(); err != nil || s != syscall.SIGUSR1 {
		t.Errorf("signal %v, %v", s, err)
	}
	if _, err := io.WriteString(stdin, "input"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(files[0], b); err != nil || string(b) != "input" {
		t.Errorf("stdin %q, %v", b, err)
	}
	if _, err := io.WriteString(files[1], "output"); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		f.Close()
	}
	say(peer, "run_student_retval", "retval", pyjson.Int("300"))
	if e := <-done; e.code != 300-256 || e.err != nil {
		t.Errorf("ended with %d, %v", e.code, e.err)
	}
	if out, err := io.ReadAll(stdout); err != nil || string(out) != "output" {
		t.Errorf("stdout %q, %v", out, err)
	}
}

// A container that dies before it connects is no reason to wait.
func TestContainerThatDiesEarly(t *testing.T) {
	m := newMain(t)
	_, _, done := ask(t, m, Request{Command: "x"}, nil)
	_, peer := next[*grading.RunStudent](m)
	say(peer, "run_student_started", "container_id", "c1")
	say(peer, "run_student_retval", "retval", pyjson.Int("252"))
	if e := m.rearms(done); e.code != 252 {
		t.Errorf("ended with %d, %v", e.code, e.err)
	}
}

func TestContainerThatHangsUp(t *testing.T) {
	m := newMain(t)
	_, _, done := ask(t, m, Request{Command: "x"}, nil)
	req, peer := next[*grading.RunStudent](m)
	say(peer, "run_student_started", "container_id", "c1")
	conn, err := net.Dial("unix", filepath.Join(m.dir, req.SocketID+".sock"))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	say(peer, "run_student_retval", "retval", pyjson.Int("1"))
	if e := m.rearms(done); e.code != 1 {
		t.Errorf("ended with %d, %v", e.code, e.err)
	}
}

func TestExitCodesOfRefusals(t *testing.T) {
	m := newMain(t)
	_, _, done := ask(t, m, Request{Command: "x", RunAsRoot: true}, nil)
	req, peer := next[*grading.RunStudent](m)
	if !req.RunAsRoot {
		t.Error("not asked for root")
	}
	say(peer, "run_student_retval", "retval", pyjson.Int("-1"))
	if e := <-done; e.code != 255 || e.err != nil {
		t.Errorf("refused with %d, %v", e.code, e.err)
	}

	_, _, done = ask(t, m, Request{Command: "x"}, nil)
	_, peer = next[*grading.RunStudent](m)
	say(peer, "nonsense")
	if e := <-done; e.code != Failed || !errors.Is(e.err, errLost) {
		t.Errorf("nonsense ended with %d, %v", e.code, e.err)
	}

	code, err := Request{}.Run(t.Context(), filepath.Join(m.dir, "none"), [3]*os.File{}, nil)
	if code != Failed || err == nil {
		t.Errorf("without a directory: %d, %v", code, err)
	}
}

func TestMainProcessThatDies(t *testing.T) {
	m := newMain(t)
	_, _, done := ask(t, m, Request{Command: "x"}, nil)
	_, peer := next[*grading.RunStudent](m)
	say(peer, "run_student_started", "container_id", "c1")
	r := <-m.router.Requests()
	r.Take()
	peer.Reply([]byte{0xc1}, nil) // not msgpack: as good as dead
	if e := <-done; e.code != Failed || e.err == nil {
		t.Errorf("ended with %d, %v", e.code, e.err)
	}
}

func TestLoginIsPassedOn(t *testing.T) {
	m := newMain(t)
	_, _, done := ask(t, m, Request{SSH: true}, nil)
	req, peer := next[*grading.RunStudent](m)
	say(peer, "run_student_started", "container_id", "c1")
	shim, _, _ := join(t, m, req.SocketID)
	if err := shim.Login(student.Login{User: "worker", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	login, other := next[*grading.SSHStudent](m)
	if login.Key != "secret" || login.ContainerID != "c1" {
		t.Errorf("login %+v", login)
	}
	say(other, "ok")
	say(peer, "run_student_retval", "retval", pyjson.Int("0"))
	if e := m.rearms(done); e.code != 0 || e.err != nil {
		t.Errorf("ended with %d, %v", e.code, e.err)
	}
}

// Without a shared kernel input, output and signals are messages.
func TestRelayedCommand(t *testing.T) {
	m := newMain(t)
	signals := make(chan os.Signal, 1)
	stdin, stdout, done := ask(t, m, Request{Command: "cat", RunAsRoot: true}, signals)
	req, peer := next[*grading.RunStudent](m)
	say(peer, "run_student_started", "container_id", "c1", "relay", true)
	start, _ := next[*grading.RunStudentInit](m)
	if *start.Command != "cat" || start.User != "root" || start.SocketID != req.SocketID {
		t.Errorf("start %+v", start)
	}
	say(peer, "dummy_message")
	if _, err := io.WriteString(stdin, "text"); err != nil {
		t.Fatal(err)
	}
	in, feeder := next[*grading.Stdin](m)
	if string(in.Message) != "text" {
		t.Errorf("input %q", in.Message)
	}
	say(feeder, "dummy_message")
	for range 3 { // more than were asked for
		say(peer, "stdout", "socket_id", req.SocketID, "message", pyjson.Bytes("text"))
	}
	stdin.Close()
	if in, feeder = next[*grading.Stdin](m); len(in.Message) != 0 {
		t.Errorf("input %q after its end", in.Message)
	}
	say(feeder, "dummy_message")
	signals <- syscall.SIGTERM
	s, other := next[*grading.StudentSignal](m)
	if string(s.Signal) != "015" {
		t.Errorf("signal %q", s.Signal)
	}
	say(other, "dummy_message")
	say(peer, "run_student_retval", "retval", pyjson.Int("241"))
	if e := m.rearms(done); e.code != 241 || e.err != nil {
		t.Errorf("ended with %d, %v", e.code, e.err)
	}
	if out, err := io.ReadAll(stdout); err != nil || strings.Count(string(out), "text") != 3 {
		t.Errorf("output %q, %v", out, err)
	}
}

// Signals pass while nobody reads the output.
func TestRelayedSignalBesideUnreadOutput(t *testing.T) {
	m := newMain(t)
	signals := make(chan os.Signal, 1)
	stdin, stdout, done := ask(t, m, Request{Command: "yes"}, signals)
	stdin.Close()
	req, peer := next[*grading.RunStudent](m)
	say(peer, "run_student_started", "container_id", "c1", "relay", true)
	next[*grading.RunStudentInit](m)
	say(peer, "dummy_message")
	_, feeder := next[*grading.Stdin](m)
	say(feeder, "dummy_message")
	much := bytes.Repeat([]byte("x"), 500_000) // more than a pipe holds
	say(peer, "stdout", "socket_id", req.SocketID, "message", pyjson.Bytes(much))
	signals <- syscall.SIGTERM
	_, other := next[*grading.StudentSignal](m)
	say(other, "dummy_message")
	say(peer, "run_student_retval", "retval", pyjson.Int("241"))
	read := make(chan int, 1)
	go func() {
		out, _ := io.ReadAll(stdout)
		read <- len(out)
	}()
	if e := m.rearms(done); e.code != 241 || e.err != nil {
		t.Errorf("ended with %d, %v", e.code, e.err)
	}
	if n := <-read; n != len(much) {
		t.Errorf("%d bytes of output, want %d", n, len(much))
	}
}

// Output that nobody takes is told of once, and the command goes on.
func TestRelayedOutputThatNobodyTakes(t *testing.T) {
	m := newMain(t)
	stdin, stdout, done := ask(t, m, Request{Command: "yes"}, nil)
	stdin.Close()
	stdout.Close()
	req, peer := next[*grading.RunStudent](m)
	say(peer, "run_student_started", "container_id", "c1", "relay", true)
	next[*grading.RunStudentInit](m)
	say(peer, "dummy_message")
	_, feeder := next[*grading.Stdin](m)
	say(feeder, "dummy_message")
	for range 3 {
		say(peer, "stdout", "socket_id", req.SocketID, "message", pyjson.Bytes("text"))
	}
	say(peer, "run_student_retval", "retval", pyjson.Int("0"))
	e := m.rearms(done)
	if e.code != 0 || !errors.Is(e.err, syscall.EPIPE) || strings.Count(e.err.Error(), "write the command's output") != 1 {
		t.Errorf("ended with %d, %v", e.code, e.err)
	}
}

// Input that cannot be read, such as a directory, ends for the command as well.
func TestRelayedInputThatCannotBeRead(t *testing.T) {
	m := newMain(t)
	stdin, err := os.Open(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	done := make(chan ended, 1)
	go func() {
		code, err := Request{Command: "cat"}.Run(context.WithoutCancel(t.Context()), m.dir, [3]*os.File{stdin, os.Stdout, os.Stderr}, nil)
		done <- ended{code, err}
	}()
	_, peer := next[*grading.RunStudent](m)
	say(peer, "run_student_started", "container_id", "c1", "relay", true)
	next[*grading.RunStudentInit](m)
	say(peer, "dummy_message")
	in, feeder := next[*grading.Stdin](m)
	if len(in.Message) != 0 {
		t.Errorf("input %q", in.Message)
	}
	say(feeder, "dummy_message")
	say(peer, "run_student_retval", "retval", pyjson.Int("0"))
	if e := m.rearms(done); e.code != 0 {
		t.Errorf("ended with %d, %v", e.code, e.err)
	}
}
