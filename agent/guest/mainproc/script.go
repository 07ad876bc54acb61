package mainproc

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
	"github.com/ingot-grading/ingot/agent/guest/worker"
)

const (
	maxOutput = 2 << 20 // bytes kept of each of the script's streams
	truncated = "\n[output truncated]\n"
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
	id := j.worker.uid
	if asRoot {
		id = 0
	}
	stdout, err := j.sink(keep, id)
	if err != nil {
		return output{}, err
	}
	defer stdout.Close()
	stderr, err := j.sink(keep, id)
	if err != nil {
		return output{}, err
	}
	defer stderr.Close()
	p, err := os.StartProcess(path, command, &os.ProcAttr{
		Dir:   j.root + taskDir,
		Env:   worker.Environ(),
		Files: []*os.File{stdin, stdout, stderr},
		Sys:   worker.Attributes(id),
	})
	if err != nil {
		return output{}, err
	}
	if _, err := worker.Wait(p); err != nil {
		return output{}, err
	}
	worker.Sweep(p.Pid)
	var out output
	if keep {
		out.stdout, out.stderr = shown(stdout), shown(stderr)
	}
	return out, nil
}

// sink is a file for the output of a script, which may open it by the name
// /dev/stdout as the user id.
func (j *job) sink(keep bool, id int) (*os.File, error) {
	if !keep {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	f, err := j.nameless()
	if err != nil {
		return nil, fmt.Errorf("make a file for the output: %w", err)
	}
	if err := f.Chown(id, id); err != nil {
		j.log.Warn("the output is not the script's own", "err", err)
	}
	return f, nil
}

// nameless makes a file without a name.
func (j *job) nameless() (*os.File, error) {
	fd, err := unix.Open(j.root+tmpDir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), "output"), nil
	}
	f, err := os.CreateTemp(j.root+tmpDir, "output")
	if err != nil {
		return nil, err
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

// openSocket lets the worker talk to the main process.
func (j *job) openSocket() {
	path := j.root + socketPath
	if err := errors.Join(os.Lchown(path, j.worker.uid, j.worker.gid), os.Chmod(path, 0o775)); err != nil {
		j.log.Debug("main socket not opened", "err", err)
	}
}
