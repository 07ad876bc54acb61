package worker

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Wait waits for a child process and returns its exit code, 256-n if signal n
// ended it. As the first process of a container it also buries the dead of all
// families meanwhile, so that they do not count as processes; nobody else may
// then wait for children.
func Wait(p *os.Process) (int, error) {
	if os.Getpid() != 1 {
		st, err := p.Wait()
		if err != nil {
			return 0, fmt.Errorf("wait: %w", err)
		}
		return code(st.Sys().(syscall.WaitStatus)), nil
	}
	for {
		var st syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &st, 0, nil)
		if pid == p.Pid {
			return code(st), nil
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return 0, fmt.Errorf("wait: %w", err)
		}
	}
}

func code(st syscall.WaitStatus) int {
	if st.Signaled() {
		return 256 - int(st.Signal())
	}
	return st.ExitStatus()
}

// Sweep ends what the process with that id left behind: as the first process of
// a container every other process, else the process group of that id. It returns
// when they are gone, as far as it can know.
func Sweep(pid int) {
	if os.Getpid() != 1 {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // mostly nobody is left
		return
	}
	SweepAll()
}

// SweepAll ends every other process of the container, and returns when they are
// gone. It does nothing if this is not the container's first process.
//
// On gVisor one kill does not reach all: what is started meanwhile gets away. But
// then a process that started another has ended, and is still to be buried. So
// after each burial all are killed again.
func SweepAll() {
	if os.Getpid() != 1 {
		return
	}
	for {
		_ = syscall.Kill(-1, syscall.SIGKILL) // fails if there is nobody
		for flags := 0; ; flags = syscall.WNOHANG {
			pid, err := syscall.Wait4(-1, nil, flags, nil)
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if err != nil {
				return // no child is left
			}
			if pid == 0 {
				break
			}
		}
	}
}
