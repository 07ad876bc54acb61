//go:build native

package e2e

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/testenv/images"
	"github.com/ingot-grading/ingot/wire"
)

// sshRef is an image with an SSH server, for an environment named "ssh".
const sshRef = "ingot.test/ssh:latest"

// addSSH offers the environment "ssh".
func (r *rig) addSSH(t *testing.T) {
	t.Helper()
	busybox, err := images.FindBusybox(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server, err := images.SSHServer(t.Context(), downloads())
	if err != nil {
		t.Fatal(err)
	}
	im, err := images.Demo(t.Context(), sshRef, "ssh", images.Parts{Busybox: busybox, Init: "testdata/ingot-init", Extra: server})
	if err != nil {
		t.Fatal(err)
	}
	r.load(r.runtime, im)
	r.awaitEnvironment(r.kind+"-ssh", "ssh")
}

// way waits for the way into one of a job's containers.
func (c *client) way(id string) wire.SSH {
	c.t.Helper()
	for {
		switch m := c.next().(type) {
		case *wire.BackendJobSSHDebug:
			if m.JobID == id {
				return m.SSH
			}
		case *wire.BackendJobDone:
			c.t.Fatalf("%s ended as %s without a way in: %s", m.JobID, m.Status, m.Text)
		}
	}
}

// login opens an SSH connection over a way that is there.
func login(t *testing.T, way wire.SSH, password string) (*ssh.Client, error) {
	t.Helper()
	addr := net.JoinHostPort(way.Host, strconv.FormatInt(way.Port, 10))
	tcp, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, channels, requests, err := ssh.NewClientConn(tcp, addr, &ssh.ClientConfig{
		User: way.User, Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		tcp.Close()
		return nil, err
	}
	return ssh.NewClient(conn, channels, requests), nil
}

// visit opens a shell as people do. What is written to the session is typed.
func visit(t *testing.T, way wire.SSH) (typed io.Writer, shown io.Reader, s *ssh.Session) {
	t.Helper()
	c, err := login(t, way, way.Password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if s, err = c.NewSession(); err != nil {
		t.Fatal(err)
	}
	if err := s.RequestPty("xterm", 40, 200, ssh.TerminalModes{ssh.ECHO: 0}); err != nil {
		t.Fatal(err)
	}
	if typed, err = s.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if shown, err = s.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	return typed, shown, s
}

// say types lines into a new session and returns what it shows.
func say(t *testing.T, way wire.SSH, lines ...string) string {
	t.Helper()
	typed, shown, _ := visit(t, way)
	var all strings.Builder
	for b := make([]byte, 1); !strings.HasSuffix(all.String(), "$ "); all.Write(b) { // what is typed before the prompt is lost
		if _, err := io.ReadFull(shown, b); err != nil {
			t.Fatalf("no prompt after %q: %v", all.String(), err)
		}
	}
	if _, err := io.WriteString(typed, strings.Join(append(lines, "exit"), "\n")+"\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&all, shown); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// People get into containers by SSH, with the right password, for as long as the
// job lasts, and no log has the password.
func TestSSH(t *testing.T) {
	fetch := func(dir string) error {
		_, err := images.SSHServer(t.Context(), dir)
		return err
	}
	onMachine(t, fetch, func(t *testing.T) {
		t.Run("debug", func(t *testing.T) { debugBySSH(t, "crun") })
		t.Run("students", func(t *testing.T) { studentsBySSH(t, "crun") })
		t.Run("relayed", func(t *testing.T) { studentsBySSH(t, "crun", relaying) })
		t.Run("gvisor debug", func(t *testing.T) { debugBySSH(t, "runsc", onGVisor(t)) })
		t.Run("gvisor students", func(t *testing.T) { studentsBySSH(t, "runsc", onGVisor(t)) })
	})
}

// debugging is a job whose grader is a person.
func (r *rig) debugging() *wire.ClientNewJob {
	job := r.job("debug", limits{})
	job.EnvironmentType, job.Environment, job.Debug = r.kind, "ssh", wire.DebugSSH
	return job
}

// debugBySSH: a person gets a shell in the grading container, and what they leave
// there is the result.
func debugBySSH(t *testing.T, runtime string, changes ...func(*grade.Config)) {
	r := start(t, runtime, append(changes, connected(t, network.Range{First: onlyPort, Last: onlyPort}))...)
	r.addSSH(t)
	r.task("debug", `feedback-result failed`)
	job := r.debugging()
	r.send(job)
	way := r.way(job.JobID)
	if way.Host != machineAddr || way.Port != onlyPort || way.User != "worker" {
		t.Errorf("the way is %v", way)
	}
	r.refuses(t, way)
	if done := r.grade(r.debugging()); done.Status != "crash" || !strings.Contains(done.Text, "ports") {
		t.Errorf("while the only port is taken: %s %q", done.Status, done.Text)
	}
	free := r.said.expect(1, "to=gone", job.JobID)
	shown := say(t, way, "id -un", "pwd", "ls /task", "feedback-result success")
	for _, want := range []string{"LOGIN: Good luck !", "worker", "/task", "run"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the session does not show %q:\n%s", want, shown)
		}
	}
	if done := r.done(job.JobID); done.Status != "success" {
		t.Errorf("got %s %q, want what the person left", done.Status, done.Text)
	}
	free(t)
	r.killsSessions(t)
}

// refuses expects that a wrong password lets nobody in.
func (r *rig) refuses(t *testing.T, way wire.SSH) {
	t.Helper()
	if c, err := login(t, way, "not "+way.Password); err == nil {
		c.Close()
		t.Error("a wrong password lets people in")
	}
	if r.said.has(way.Password) {
		t.Errorf("the password %s is in a log", way.Password)
	}
}

// killsSessions expects that a killed job takes its session with it and gives
// its port back.
func (r *rig) killsSessions(t *testing.T) {
	t.Helper()
	job := r.debugging()
	r.send(job)
	way := r.way(job.JobID)
	_, _, session := visit(t, way)
	free := r.said.expect(1, "to=gone", job.JobID)
	r.send(&wire.ClientKillJob{JobID: job.JobID})
	if done := r.done(job.JobID); done.Status != "killed" {
		t.Errorf("got %s, want killed", done.Status)
	}
	if err := session.Wait(); err == nil {
		t.Error("the session of a killed job ended well")
	}
	free(t)
	if c, err := net.Dial("tcp", net.JoinHostPort(way.Host, strconv.FormatInt(way.Port, 10))); err == nil {
		c.Close()
		t.Error("the port of a killed job is open")
	}
	next := r.debugging()
	r.send(next)
	if again := r.way(next.JobID); again.Port != way.Port || again.Password == way.Password {
		t.Errorf("the next way is %v, the last was %v", again, way)
	}
	r.send(&wire.ClientKillJob{JobID: next.JobID})
	r.done(next.JobID)
	if r.said.has(way.Password) {
		t.Errorf("the password %s is in a log", way.Password)
	}
}

// studentsBySSH: a task lets its student into a container of their own.
func studentsBySSH(t *testing.T, runtime string, changes ...func(*grade.Config)) {
	r := start(t, runtime, append([]func(*grade.Config){connected(t, network.Range{})}, changes...)...)
	r.addSSH(t)
	r.task("visit", `
mkdir -p student/scripts; echo hidden > student/scripts/secret; echo hello > student/letter
mkfifo student/in
(read x < student/in; run_student true; echo > student/in) & # a student's program during the session
ssh_student --setup-script 'cp /task/student/letter /task/student/copy'; code=$?
bad=
test -w student/scripts || bad=", the scripts stay hidden"
test $code = 0 || bad="$bad, code $code"
feedback-msg -m "$(cat student/reply)$bad"; feedback-result success`)
	job := r.networked("visit", r.kind+"-ssh", "ssh")
	r.send(job)
	way := r.way(job.JobID)
	r.refuses(t, way)
	secret := "cat /task/student/scripts/secret"
	shown := say(t, way, "cat /task/student/copy", "chmod 777 /task/student/scripts", secret, "ls /task",
		"echo > /task/student/in; read x < /task/student/in", secret, "echo answer > /task/student/reply")
	if !strings.Contains(shown, "hello") || strings.Contains(shown, "hidden") || strings.Contains(shown, "run\r\n") {
		t.Errorf("the session shows\n%s", shown)
	}
	if done := r.done(job.JobID); done.Status != "success" || done.Text != "answer" {
		t.Errorf("got %s %q", done.Status, done.Text)
	}
	if r.said.has(way.Password) {
		t.Errorf("the password %s is in a log", way.Password)
	}
	// Neither another type nor the lack of a network is a way around the agent's word.
	job = r.networked("visit", r.kind, "ssh")
	if done := r.grade(job); done.Status != "crash" || !strings.Contains(done.Text, "SSH") {
		t.Errorf("of a type without SSH: %s %q", done.Status, done.Text)
	}
	job = r.job("visit", limits{})
	job.EnvironmentType, job.Environment = r.kind+"-ssh", "ssh"
	if done := r.grade(job); done.Status != "crash" || !strings.Contains(done.Text, "SSH") {
		t.Errorf("without a network: %s %q", done.Status, done.Text)
	}
}
