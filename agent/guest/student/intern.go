package student

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
	"github.com/ingot-grading/ingot/agent/guest/sshd"
	"github.com/ingot-grading/ingot/agent/guest/worker"
	"github.com/ingot-grading/ingot/wire/grading"
	"github.com/ingot-grading/ingot/wire/student"
)

// Exit codes of the first process of a student container (PROTOCOL.md 5.8).
const (
	exitBroken    = 1 // no command came
	exitNoRoot    = 251
	exitNobody    = 253 // nobody logged in
	exitSystem    = 254 // the container could not be set up
	exitNotFound  = 127 // as shells say it
	exitNotForUse = 126
)

const (
	parentSocket = "/__parent.sock"
	noCommand    = "info: student container started with no command set \n"
)

var errNoCommand = errors.New("the command is empty")

// Intern is _run_student_intern, the first process of a student container: it
// takes a command, runs it as the worker and returns its exit code. The
// arguments are those of all versions: none, or the container runtime and the
// type of the grading container's environment, which decide about the variant.
func Intern(args []string, stdin io.Reader, stdout io.Writer, log *slog.Logger) int {
	worker.DefaultPath()
	worker.WarmUp()
	if relayed(args) {
		return internRelayed(stdin, stdout, worker.Told(grading.TellRetval), worker.Told(grading.FlowControl), log)
	}
	addr := &net.UnixAddr{Name: parentSocket, Net: "unix"}
	conn, err := net.DialUnix("unix", nil, addr)
	if err != nil {
		log.Error("no command for this container", "err", err)
		return exitBroken
	}
	defer conn.Close()
	return serve(conn, log)
}

// serve does what the caller of run_student at the other end of conn asks for.
func serve(conn *net.UnixConn, log *slog.Logger) int {
	shim, cmd, files, err := student.Join(conn)
	if err != nil {
		log.Error("no command for this container", "err", err)
		return exitBroken
	}
	if cmd.User == "root" {
		return exitNoRoot
	}
	in := &intern{log: log, files: files, signals: make(chan syscall.Signal), login: shim.Login}
	go func() {
		defer close(in.signals)
		for {
			s, err := shim.Signal()
			if err != nil {
				return
			}
			in.signals <- s
		}
	}()
	return in.run(context.Background(), job{
		command: value(cmd.Command), teardown: value(cmd.Teardown), dir: cmd.WorkingDir, ssh: cmd.SSH, user: worker.ID,
	})
}

// relayed reports whether an argument is a name under which kernels of their own
// are known.
func relayed(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		return strings.Contains(a, "kata") || strings.Contains(a, "runsc") || strings.Contains(a, "gvisor")
	})
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// job is what a student container has to do.
type job struct {
	command, teardown, dir string
	ssh                    bool
	alone                  bool // no other container has this kernel
	user                   int
}

// intern does a job. Signals come until the channel is closed; login tells the
// other side how to log in.
type intern struct {
	log     *slog.Logger
	files   [3]*os.File
	signals chan syscall.Signal
	login   func(student.Login) error
}

func (in *intern) run(ctx context.Context, j job) int {
	if err := worker.LimitProcesses(); err != nil {
		in.log.Warn("no limit of processes", "err", err)
	}
	for _, f := range worker.SystemFiles {
		if err := f.Apply(""); err != nil {
			in.complain("cannot use %s: %v", f.Source, err)
			return exitSystem
		}
	}
	if j.dir != "" {
		if err := os.Chdir(j.dir); err != nil {
			in.complain("%v", err)
			return exitBroken
		}
	}
	if j.ssh || !j.alone { // or it could be hidden from a session that lasts
		in.scripts(taskScripts().reveal())
	}
	code := in.command(j)
	for _, f := range in.files {
		f.Close() // whoever reads the output sees its end
	}
	if j.ssh {
		code = in.offerLogin(ctx)
	}
	if j.teardown != "" {
		in.tearDown(j)
	}
	return code
}

// complain says on the caller's standard error why there is no command.
func (in *intern) complain(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	in.log.Warn("command not run", "why", text)
	fmt.Fprintf(in.files[2], "run_student: %s\n", text)
}

// scripts logs why the task's scripts could not be hidden or shown.
func (in *intern) scripts(err error) {
	if err != nil {
		in.log.Warn("scripts of the task not hidden or shown", "err", err)
	}
}

// command runs the command and forwards signals to it until it ends.
func (in *intern) command(j job) int {
	if strings.TrimSpace(j.command) == "" {
		fmt.Fprint(in.files[1], noCommand)
		return 0
	}
	p, err := start(j.command, j.user, in.files)
	if err != nil {
		in.complain("%v", err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return exitNotFound
		}
		return exitNotForUse
	}
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case s, ok := <-in.signals:
				if !ok {
					return
				}
				_ = p.Signal(s) // which knows of a process that has ended
			case <-ended:
				return
			}
		}
	}()
	code, err := worker.Wait(p)
	close(ended)
	<-stopped
	if err != nil {
		in.log.Error("end of the command not seen", "err", err)
		return exitSystem
	}
	return code & 0xff
}

// start runs a command line as a user. One without a word is an error.
func start(line string, user int, files [3]*os.File) (*os.Process, error) {
	words, err := pytext.Words(line)
	if err == nil && len(words) == 0 {
		err = errNoCommand
	}
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	return os.StartProcess(path, words, &os.ProcAttr{Env: worker.Environ(), Files: files[:], Sys: worker.Attributes(user)})
}

// offerLogin lets the student in. What the command returned is lost.
func (in *intern) offerLogin(ctx context.Context) int {
	hidden, err := taskScripts().hide()
	in.scripts(err)
	defer func() { in.scripts(taskScripts().show(hidden)) }()
	s, err := sshd.Start(ctx, "worker")
	if err != nil {
		in.log.Error("no SSH server", "err", err)
		return exitSystem
	}
	defer s.Close()
	if err := in.login(student.Login{User: "worker", Password: s.Password}); err != nil {
		in.log.Error("login not sent", "err", err)
		return exitSystem
	}
	if err := s.Wait(ctx, 0); err != nil {
		in.log.Warn("no SSH session", "err", err)
		return exitNobody
	}
	return 0
}

// tearDown runs the teardown command, which has no input, as that of the
// container does not end and may be frames. How it ends does not matter.
func (in *intern) tearDown(j job) {
	if err := in.runTeardown(j); err != nil {
		in.log.Warn("teardown not run", "err", err)
	}
}

func (in *intern) runTeardown(j job) error {
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer stdin.Close()
	p, err := start(j.teardown, j.user, [3]*os.File{stdin, os.Stderr, os.Stderr})
	if err != nil {
		return err
	}
	_, err = worker.Wait(p)
	return err
}
