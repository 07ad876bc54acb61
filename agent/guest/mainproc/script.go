package mainproc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

const (
	maxProcesses = 1000    // of the worker, as in INGInious' images
	maxOutput    = 2 << 20 // bytes kept of each of the script's streams
	truncated    = "\n[output truncated]\n"
)

// output is what a script printed.
type output struct{ stdout, stderr string }

// runScript runs a command in /task, as the worker or as root, until it ends,
// and then ends whatever it left running. Its output goes to files without a
// name if keep is set, and nowhere if not. An error means it was not started.
func (j *job) runScript(command []string, asRoot, keep bool) (output, error) {
	path, err := j.program(command[0])
	if err != nil {
		return output{}, err
	}
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		return output{}, err
	}
	defer stdin.Close()
	stdout, err := j.sink(keep)
	if err != nil {
		return output{}, err
	}
	defer stdout.Close()
	stderr, err := j.sink(keep)
	if err != nil {
		return output{}, err
	}
	defer stderr.Close()
	p, err := os.StartProcess(path, command, &os.ProcAttr{
		Dir:   j.root + taskDir,
		Env:   environ(),
		Files: []*os.File{stdin, stdout, stderr},
		Sys:   j.attributes(asRoot),
	})
	if err != nil {
		return output{}, err
	}
	if err := waitAndSweep(p); err != nil {
		return output{}, err
	}
	var out output
	if keep {
		out.stdout, out.stderr = shown(stdout), shown(stderr)
	}
	return out, nil
}

func (j *job) attributes(asRoot bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 && !asRoot {
		gid := uint32(j.worker.gid)
		attr.Credential = &syscall.Credential{Uid: uint32(j.worker.uid), Gid: gid, Groups: []uint32{gid}}
	}
	return attr
}

// sink is a file for the output of a script.
func (j *job) sink(keep bool) (*os.File, error) {
	if !keep {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	fd, err := unix.Open(j.root+tmpDir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), "output"), nil
	}
	f, err := os.CreateTemp(j.root+tmpDir, "output")
	if err != nil {
		return nil, fmt.Errorf("make a file for the output: %w", err)
	}
	return f, os.Remove(f.Name())
}

// shown is the text of a script's output, up to the limit.
func shown(f *os.File) string {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, maxOutput+1))
	text := pytext.Clean(b[:min(len(b), maxOutput)])
	if err != nil || len(b) > maxOutput {
		text += truncated
	}
	return text
}

// environ is our own environment with the worker's home.
func environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "HOME=") })
	return append(env, "HOME="+taskDir)
}

// limitProcesses lets each user of the container have maxProcesses processes, or
// less if less is inherited. Root itself is not held to it.
func limitProcesses() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &limit); err != nil {
		return fmt.Errorf("limit processes: %w", err)
	}
	n := min(maxProcesses, limit.Max)
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: n, Max: n}); err != nil {
		return fmt.Errorf("limit processes: %w", err)
	}
	return nil
}

// waitAndSweep waits for a process and ends all that it left behind. As the
// first process of a container that is every other process, and meanwhile the
// dead of all families are buried, so that they do not count as processes.
func waitAndSweep(p *os.Process) error {
	pid := p.Pid
	if os.Getpid() != 1 {
		_, err := p.Wait()
		syscall.Kill(-pid, syscall.SIGKILL)
		return err
	}
	if err := p.Release(); err != nil {
		return fmt.Errorf("wait for the script: %w", err)
	}
	for {
		dead, err := syscall.Wait4(-1, nil, 0, nil)
		if dead == pid {
			break
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("wait for the script: %w", err)
		}
	}
	syscall.Kill(-1, syscall.SIGKILL)
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return nil // no child is left
		}
	}
}

// mainSocket lets the worker talk to the main process.
func (j *job) openSocket(path string) {
	if err := errors.Join(os.Lchown(filepath.Join(j.root, path), j.worker.uid, j.worker.gid), os.Chmod(j.root+path, 0o775)); err != nil {
		j.log.Debug("main socket not opened", "err", err)
	}
}
