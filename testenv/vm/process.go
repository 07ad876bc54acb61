package vm

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// process is a running program whose exit is noticed at once.
type process struct {
	pid  int
	kill func()        // ends it; may be called at any time, any number of times
	done chan struct{} // closed after it has ended
	err  error         // of Wait; valid once done is closed
}

// startProcess starts cmd in a session of its own, out of reach of a terminal's
// Ctrl-C, which its owner turns into a kill. With tied the kernel kills it if
// this process dies first.
func startProcess(cmd *exec.Cmd, tied bool) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error, 1)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if tied {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	go func() {
		// The death of a parent means that of the thread that made the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	p.kill = func() { _ = cmd.Process.Kill() } // an error means it has ended
	return p, nil
}

// stop kills p and waits for its end.
func (p *process) stop() {
	p.kill()
	<-p.done
}

// ownGroup makes the end of cmd's context a SIGTERM to cmd and its children.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
	cmd.WaitDelay = killGrace
}
