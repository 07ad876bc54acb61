//go:build native

package guest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

// pair is a grading container and, once it is asked for, a student container, as
// an agent sees them: two roots that share /task/student and one socket.
type pair struct {
	t       *testing.T
	grading string // its root
	student string
	asRoot  bool // the run script
	out     *frame.Writer
	in      *frame.Reader
}

// start starts the main process of a grading container with a run script.
func (p *pair) start(script string, kernel bool) *exec.Cmd {
	p.t.Helper()
	place(p.t, p.grading, map[string]blob{"/task/run": blob("#!/bin/sh\n" + script), "/task/student/scripts/": "", "/task/student/answer": "the answer\n"})
	cmd := exec.Command("/ingot/INGInious")
	cmd.Env = []string{"PATH=/ingot:/usr/bin:/bin"}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: p.grading, Cloneflags: syscall.CLONE_NEWPID}
	stdin, err := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err, err2, cmd.Start()); err != nil {
		p.t.Fatal(err)
	}
	p.out, p.in = frame.NewWriter(stdin), frame.NewReader(stdout, 1<<24)
	start := grading.Start{Input: []byte{0x80}, Debug: 1, SharedKernel: kernel, RunAsRoot: p.asRoot}
	p.send(&start)
	return cmd
}

func (p *pair) send(m grading.Message) {
	p.t.Helper()
	b, err := grading.Append(nil, m)
	if err := errors.Join(err, p.out.Write(b)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) next() grading.Message {
	p.t.Helper()
	b, err := p.in.Next()
	if err != nil {
		p.t.Fatal(err)
	}
	m, err := grading.Decode(bytes.Clone(b))
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// intern makes the first process of the student container.
func (p *pair) intern(socketID string, args ...string) *exec.Cmd {
	p.t.Helper()
	bind := func(from, to string) {
		if err := unix.Mount(from, p.student+to, "", unix.MS_BIND, ""); err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { unix.Unmount(p.student+to, unix.MNT_DETACH) })
	}
	if err := errors.Join(os.MkdirAll(p.student+"/task/student", 0o755), os.WriteFile(p.student+"/__parent.sock", nil, 0o600)); err != nil {
		p.t.Fatal(err)
	}
	bind(p.grading+"/task/student", "/task/student")
	bind(filepath.Join(p.grading, "sockets", socketID+".sock"), "/__parent.sock")
	cmd := exec.Command("/ingot/_run_student_intern", args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.Stderr = os.Stderr
	groups := &syscall.Credential{Groups: []uint32{0, 7}} // root's, which no student may have
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: p.student, Cloneflags: syscall.CLONE_NEWPID, Credential: groups}
	return cmd
}

// result waits for the end and returns the result map.
func (p *pair) result(cmd *exec.Cmd) *pyjson.Object {
	p.t.Helper()
	m, ok := p.next().(*grading.Result)
	if !ok {
		p.t.Fatal("not a result")
	}
	v, err := pyjson.FromMsgpack(m.Result)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		p.t.Fatal(err)
	}
	return v.(*pyjson.Object)
}

func newPair(t *testing.T) *pair {
	t.Helper()
	needRoot(t)
	privateMounts(t)
	bin := programs(t)
	grader, undo := makeRoot(t, bin)
	t.Cleanup(undo)
	student, undo := makeRoot(t, bin)
	t.Cleanup(undo)
	if err := os.Chmod(grader+"/sockets", 0o777); err != nil { // as agents do
		t.Fatal(err)
	}
	return &pair{t: t, grading: grader, student: student}
}

func get(o *pyjson.Object, key string) string {
	v, _ := o.Get(key)
	s, _ := v.(string)
	return s
}

// The script's ids are the worker's or root's, and whoever dies without a parent
// is buried while it runs.
func TestScriptIsRunAsWhomItShall(t *testing.T) {
	p := newPair(t)
	for asRoot, want := range map[bool]string{false: "4242 4242 /task", true: "0 0 /task"} {
		p.asRoot = asRoot
		cmd := p.start(`
sh -c 'true & echo $! > orphan'
while kill -0 "$(cat orphan)" 2> /dev/null; do :; done
feedback-msg -m "$(id -u) $(id -G) $HOME"
`, true)
		if r := p.result(cmd); get(r, "text") != want {
			t.Errorf("text %q, want %q: %s", get(r, "text"), want, get(r, "stderr"))
		}
	}
}

func TestStudentContainerOnASharedKernel(t *testing.T) {
	p := newPair(t)
	cmd := p.start(`
cd /task/student
out=$(echo from the grader | run_student --time 3 'sh -c "cat; cat answer; id -u; id -G; exit 7"')
feedback-result -i code "$?"
feedback-result success
feedback-msg -m "$out"
`, true)
	req, ok := p.next().(*grading.RunStudent)
	if !ok || req.TimeLimit != 3 || req.Environment != nil {
		t.Fatalf("request %+v", req)
	}
	shim := p.intern(req.SocketID)
	p.send(&grading.RunStudentStarted{SocketID: req.SocketID, ContainerID: "c1"})
	shim.Run()
	p.send(&grading.RunStudentRetval{SocketID: req.SocketID, Retval: int64(shim.ProcessState.ExitCode())})
	r := p.result(cmd)
	if got, want := get(r, "text"), "from the grader\nthe answer\n4242\n4242"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	problems, _ := r.Get("problems")
	if got := jsonText(t, problems); got != `{"code": ["7", ""]}` {
		t.Errorf("problems %s", got)
	}
	left, err := os.ReadDir(p.grading + "/sockets")
	if err != nil || len(left) != 0 {
		t.Errorf("left in /sockets: %v, %v", left, err)
	}
}

// More than a pipe holds, both ways, and a signal.
func TestStudentContainerWithALotToSay(t *testing.T) {
	p := newPair(t)
	cmd := p.start(`
cd /task
n=$(head -c 300000 /dev/zero | run_student sh -c "cat | cat" | wc -c)
feedback-msg -m "$n"
feedback-result success
`, true)
	if err := os.WriteFile(p.grading+"/dev/zero", bytes.Repeat([]byte("x"), 300000), 0o644); err != nil {
		t.Fatal(err)
	}
	req := p.next().(*grading.RunStudent)
	shim := p.intern(req.SocketID)
	p.send(&grading.RunStudentStarted{SocketID: req.SocketID, ContainerID: "c1"})
	shim.Run()
	p.send(&grading.RunStudentRetval{SocketID: req.SocketID, Retval: int64(shim.ProcessState.ExitCode())})
	if got := get(p.result(cmd), "text"); got != "300000" {
		t.Errorf("text %q", got)
	}
}

func TestStudentContainerThatCannotStartItsCommand(t *testing.T) {
	p := newPair(t)
	cmd := p.start(`
cd /task/student
run_student no-such-program
feedback-result "$?"
`, true)
	req := p.next().(*grading.RunStudent)
	shim := p.intern(req.SocketID, "runc", "docker")
	p.send(&grading.RunStudentStarted{SocketID: req.SocketID, ContainerID: "c1"})
	shim.Run()
	p.send(&grading.RunStudentRetval{SocketID: req.SocketID, Retval: int64(shim.ProcessState.ExitCode())})
	r := p.result(cmd)
	if get(r, "result") != "127" || !strings.Contains(get(r, "stderr"), "no-such-program") {
		t.Errorf("result %s, stderr %q", get(r, "result"), get(r, "stderr"))
	}
}

// gVisor's shim may not learn how a short process ended, so the container's last
// frame says it, to agents that ask for that. The command hears nothing of it.
func TestStudentContainerTellsItsExitCode(t *testing.T) {
	for _, c := range []struct {
		asked string
		told  bool
	}{{"1", true}, {"", false}} {
		p := newPair(t)
		if err := errors.Join(os.MkdirAll(p.grading+"/task/student/scripts", 0o755), os.WriteFile(p.grading+"/sockets/p1.sock", nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		shim := p.intern("p1", "kata-runtime", "kata") // as any without a shared kernel is told
		shim.Env = append(os.Environ(), grading.TellRetval+"="+c.asked)
		command := "sh -c 'test -z \"${INGOT_TELL_RETVAL+set}\" && echo out; exit 5'"
		start, err := grading.Append(nil, &grading.RunStudentInit{SocketID: "p1", Command: &command, User: "worker"})
		if err != nil {
			t.Fatal(err)
		}
		var in, out bytes.Buffer
		if err := frame.NewWriter(&in).Write(start); err != nil {
			t.Fatal(err)
		}
		shim.Stdin, shim.Stdout = &in, &out
		shim.Run()
		if code := shim.ProcessState.ExitCode(); code != 5 {
			t.Errorf("asked %q: exit code %d", c.asked, code)
		}
		var last grading.Message
		var output strings.Builder
		for r := frame.NewReader(&out, 1<<20); ; {
			b, err := r.Next()
			if err != nil {
				break
			}
			if last, err = grading.Decode(b); err != nil {
				t.Fatal(err)
			}
			if m, ok := last.(*grading.Stdout); ok {
				output.Write(m.Message)
			}
		}
		told, ok := last.(*grading.RunStudentRetval)
		if ok != c.told || ok && (told.Retval != 5 || told.SocketID != "p1") {
			t.Errorf("asked %q: the last frame is %+v", c.asked, last)
		}
		if !strings.Contains(output.String(), "out") {
			t.Errorf("asked %q: the command hears of it", c.asked)
		}
	}
}

// Without a shared kernel the agent carries frames between the two.
func TestStudentContainerOnAnotherKernel(t *testing.T) {
	p := newPair(t)
	cmd := p.start(`
cd /task/student
out=$(cat answer | run_student sh -c 'cat')
feedback-msg -m "$? $out"
feedback-result success
`, false)
	req := p.next().(*grading.RunStudent)
	shim := p.intern(req.SocketID, "io.containerd.kata.v2", "kata")
	toShim, err := shim.StdinPipe()
	fromShim, err2 := shim.StdoutPipe()
	if err := errors.Join(err, err2, shim.Start()); err != nil {
		t.Fatal(err)
	}
	p.send(&grading.RunStudentStarted{SocketID: req.SocketID, ContainerID: "c1"})
	w := frame.NewWriter(toShim)
	down := make(chan []byte)
	go func() { // frames of the grading container, of which the last is its result
		defer close(down)
		for {
			b, err := p.in.Next()
			if err != nil {
				return
			}
			down <- bytes.Clone(b)
		}
	}()
	up := make(chan []byte)
	go func() {
		defer close(up)
		for r := frame.NewReader(fromShim, 1<<24); ; {
			b, err := r.Next()
			if err != nil {
				return
			}
			up <- bytes.Clone(b)
		}
	}()
	for up != nil {
		select {
		case b := <-down:
			if err := w.Write(b); err != nil && !errors.Is(err, os.ErrClosed) && !errors.Is(err, syscall.EPIPE) {
				t.Fatal(err)
			}
		case b, ok := <-up:
			if !ok {
				up = nil
			} else if err := p.out.Write(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	shim.Wait()
	p.send(&grading.RunStudentRetval{SocketID: req.SocketID, Retval: int64(shim.ProcessState.ExitCode())})
	for b := range down {
		m, err := grading.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := m.(*grading.Result)
		if !ok {
			continue
		}
		v, err := pyjson.FromMsgpack(r.Result)
		if err != nil {
			t.Fatal(err)
		}
		if got := get(v.(*pyjson.Object), "text"); got != "0 the answer" {
			t.Errorf("text %q", got)
		}
	}
	if err := cmd.Wait(); err != nil && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
