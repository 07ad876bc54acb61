package worker

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ID is the uid and gid of the worker. The image need not have such a user.
const ID = 4242

// Home is the worker's home directory.
const Home = "/task"

// maxProcesses is how many processes a user may have, as in INGInious' images.
const maxProcesses = 1000

// LimitProcesses lets each user of the container have 1000 processes, or less if
// less is inherited. Root itself is not held to it. The limit is that of this
// process and of those it starts.
func LimitProcesses() error {
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

// Attributes start a process with that uid and gid, no other groups, and a
// process group of its own. A process that is not root keeps its ids.
func Attributes(id int) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		n := uint32(id)
		attr.Credential = &syscall.Credential{Uid: n, Gid: n, Groups: []uint32{n}}
	}
	return attr
}

// Environ is this process' environment with the worker's home.
func Environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "HOME=") })
	return append(env, "HOME="+Home)
}

// DefaultPath sets a PATH for those who were started without one.
func DefaultPath() {
	if os.Getenv("PATH") == "" {
		_ = os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
}

// Told reports whether the agent set a variable, which it takes out of the
// environment: it is none of the script's or command's business.
func Told(name string) bool {
	told := os.Getenv(name) != ""
	_ = os.Unsetenv(name)
	return told
}
