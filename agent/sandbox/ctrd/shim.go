package ctrd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

var errNoShim = errors.New("no shim process found")

// killShim kills the shim of a container that it does not serve any more.
// containerd notices and ends what is left of the container. Shims are found by
// their command line, which containerd's own clients have no way to ask for.
func (r *Runtime) killShim(ctx context.Context, id string) error {
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	for _, path := range procs {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if err := r.killIfShim(pid, path, id); err == nil {
			r.cfg.Log.WarnContext(ctx, "killed a shim that hung", "container", id, "pid", pid)
			return nil
		}
	}
	return fmt.Errorf("kill shim: %w", errNoShim)
}

// killIfShim kills process pid if it is the container's shim. The process is
// held before it is looked at, so that another of its number is never hit.
func (r *Runtime) killIfShim(pid int, cmdline, id string) error {
	text, err := os.ReadFile(cmdline)
	if err != nil || !isShim(text, r.cfg.Namespace, id) {
		return errNoShim
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd) // nothing was written
	if text, err = os.ReadFile(cmdline); err != nil || !isShim(text, r.cfg.Namespace, id) {
		return errNoShim
	}
	return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
}

// isShim reports whether a command line, as /proc has it, is that of the shim
// which serves container id in a namespace.
func isShim(cmdline []byte, namespace, id string) bool {
	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(cmdline, []byte{0}), []byte{0}) {
		args = append(args, string(arg))
	}
	has := func(flag, value string) bool {
		i := slices.Index(args, flag)
		return i >= 0 && i+1 < len(args) && args[i+1] == value
	}
	return len(args) > 0 && bytes.HasPrefix([]byte(filepath.Base(args[0])), []byte("containerd-shim")) &&
		has("-namespace", namespace) && has("-id", id)
}
