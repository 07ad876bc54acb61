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
	"strings"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
	"github.com/ingot-grading/ingot/agent/guest/sshd"
	"github.com/ingot-grading/ingot/agent/guest/worker"
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
	scriptsDir   = "/task/student/scripts"
	noCommand    = "info: student container started with no command set \n"
)

// Intern is _run_student_intern, the first process of a student container: it
// takes a command, runs it as the worker and returns its exit code. The
// arguments are those of all versions: none, or the container runtime and the
// type of the grading container's environment, which decide about the variant.
func Intern(args []string, stdin io.Reader, stdout io.Writer, log *slog.Logger) int {
	worker.DefaultPath()
	worker.WarmUp()
	if relayed(args) {
		return internRelayed(stdin, stdout, log)
	}
	addr := &net.UnixAddr{Name: parentSocket, Net: "unix"}
	conn, err := net.DialUnix("unix", nil, addr)
	if err != nil {
		log.Error("no command for this container", "err", err)
		return exitBroken
	}
	defer conn.Close()
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

// relayed reports the names under which kernels of their own are known.
func relayed(args []string) bool {
	for _, a := range args {
		for _, name := range []string{"kata", "runsc", "gvisor"} {
			if strings.Contains(a, name) {
				return true
			}
		}
	}
	return false
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
	in.scripts(0o777)
	code := in.command(j)
	for _, f := range in.files {
		f.Close() // whoever reads the output sees its end
	}
	if j.ssh {
		code = in.offerLogin(ctx)
	}
	if j.teardown != "" {
		in.scripts(0o777)
		in.tearDown(j)
	}
	in.scripts(0o777)
	return code
}

// complain says on the caller's standard error why there is no command.
func (in *intern) complain(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	in.log.Warn("command not run", "why", text)
	fmt.Fprintf(in.files[2], "run_student: %s\n", text)
}

// scripts changes the mode of the directory that is hidden from SSH sessions. A
// task without one has nothing to hide.
func (in *intern) scripts(mode os.FileMode) {
	if st, err := os.Lstat(scriptsDir); err != nil || !st.IsDir() {
		return
	}
	if err := os.Chmod(scriptsDir, mode); err != nil {
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

// start runs a command line as a user.
func start(line string, user int, files [3]*os.File) (*os.Process, error) {
	words, err := pytext.Words(line)
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
	in.scripts(0)
	defer in.scripts(0o777)
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

// tearDown runs the teardown command; how it ends does not matter.
func (in *intern) tearDown(j job) {
	p, err := start(j.teardown, j.user, [3]*os.File{os.Stdin, os.Stderr, os.Stderr})
	if err == nil {
		_, err = worker.Wait(p)
	}
	if err != nil {
		in.log.Warn("teardown not run", "err", err)
	}
}
