package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

const leaf = "agent"

// delegated finds the group that systemd has handed over to this service: the
// own one, or the one above if the agent was started in its leaf
// (DelegateSubgroup=, or a restart in place).
func delegated(at place) (string, bool) {
	if at.own == "/" || strings.HasPrefix(at.own, "/..") {
		return "", false
	}
	if handedOver(path.Join(at.mount, at.own)) {
		return at.own, true
	}
	if above := path.Dir(at.own); path.Base(at.own) == leaf && handedOver(path.Join(at.mount, above)) {
		return above, true
	}
	return "", false
}

// handedOver reads systemd's mark of Delegate=yes.
func handedOver(dir string) bool {
	for _, name := range []string{"trusted.delegate", "user.delegate"} {
		var b [1]byte
		if n, err := unix.Getxattr(dir, name, b[:]); err == nil && n == 1 && b[0] == '1' {
			return true
		}
	}
	return false
}

// makeRoom moves every process of dir into its leaf: a group with controllers
// for its children may hold none itself.
func makeRoom(dir string) error {
	to := path.Join(dir, leaf)
	if err := os.Mkdir(to, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	for {
		pids, err := words(path.Join(dir, "cgroup.procs"))
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids { // others may start children meanwhile: look again
			if pid == "0" {
				return fmt.Errorf("%w: a process of another pid namespace is in the agent's group", ErrHost)
			}
			err := write(path.Join(to, "cgroup.procs"), pid)
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
	}
}
