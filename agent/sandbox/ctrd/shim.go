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
	"strings"

	"golang.org/x/sys/unix"
)

// shimDeath is how long, in milliseconds, a killed shim may take to be gone.
const shimDeath = 5000

// killShim kills the shim of a container that it does not serve any more; that
// there is none is no error. containerd notices, in its own time, and ends what
// is left of the container.
func (r *Runtime) killShim(ctx context.Context, id string) error {
	pids, err := r.shims(id)
	if err != nil {
		return fmt.Errorf("find shim: %w", err)
	}
	for _, pid := range pids {
		killed, err := r.killIfShim(pid, id)
		if err != nil {
			return fmt.Errorf("kill shim %d: %w", pid, err)
		}
		if killed {
			r.cfg.Log.WarnContext(ctx, "killed a shim that hung", "container", id, "pid", pid)
		}
	}
	return nil
}

// shims lists the processes that are shims of a container. They are known by
// their command line: containerd tells nobody its shims' numbers.
func (r *Runtime) shims(id string) ([]int, error) {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, d := range dirs {
		if pid, err := strconv.Atoi(d.Name()); err == nil && r.isShimOf(pid, id) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// killIfShim kills process pid, if there is one and it is the container's shim,
// and waits until it is gone. The process is held before it is looked at, so that
// another of its number is never hit.
func (r *Runtime) killIfShim(pid int, id string) (killed bool, err error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = unix.Close(fd) }() // nothing was written
	if !r.isShimOf(pid, id) {
		return false, nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return false, err
	}
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, shimDeath)
		if !errors.Is(err, unix.EINTR) {
			return true, err
		}
	}
}

func (r *Runtime) isShimOf(pid int, id string) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	text, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return false // it has ended
	}
	bundle, _ := os.Readlink(filepath.Join(dir, "cwd")) // the same
	return isShim(text, bundle, r.cfg.Namespace, id)
}

// isShim reports whether a command line, as /proc has it, is that of the shim
// which serves container id in a namespace, or is about to. Some name the
// container there; all run in its bundle, NAMESPACE/ID in containerd's state. The
// same program is also what containerd runs to clean up after a dead one; that
// is none.
func isShim(cmdline []byte, bundle, namespace, id string) bool {
	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(cmdline, []byte{0}), []byte{0}) {
		args = append(args, string(arg))
	}
	has := func(flag, value string) bool {
		i := slices.Index(args, flag)
		return i >= 0 && i+1 < len(args) && args[i+1] == value
	}
	return len(args) > 0 && args[len(args)-1] != "delete" && strings.HasPrefix(filepath.Base(args[0]), "containerd-shim") &&
		has("-namespace", namespace) && (has("-id", id) || strings.HasSuffix(bundle, "/"+namespace+"/"+id))
}
