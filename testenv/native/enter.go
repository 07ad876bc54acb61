package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// RunscConfig is the configuration of gVisor for this tier, where containers
	// cannot be limited.
	RunscConfig = runDir + "/runsc.toml"

	runDir = "/run/containerd"

	// stageInit and stageMain are what the program's own name is when it starts
	// itself again (see [Stage]).
	stageInit = "ingot-native-init"
	stageMain = "ingot-native-main"

	// grace is how long an interrupted command may take to end.
	grace = 15 * time.Second
)

// Enter runs argv inside the private namespaces, with INGOT_TIER=native and
// CONTAINERD_ADDRESS set and the caller's standard streams, and returns its exit
// status. When ctx ends, the command is asked to end, then killed. Whatever
// happens, every process is gone and every trace removed when Enter returns.
//
// The calling program must hand its start to [Stage] first.
func Enter(ctx context.Context, argv []string) (status int, err error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("containers need root: run this as root")
	}
	release, err := holdDir(runDir)
	if err != nil {
		return 0, fmt.Errorf("make mount point: %w", err)
	}
	defer func() { err = errors.Join(err, release()) }()
	cg, err := makeGroup()
	if err != nil {
		return 0, fmt.Errorf("make cgroup: %w", err)
	}
	defer func() { err = errors.Join(err, removeGroup(cg)) }()
	dir, err := os.Open(cg)
	if err != nil {
		return 0, fmt.Errorf("open cgroup: %w", err)
	}
	defer func() { _ = dir.Close() }() // nothing was written

	cmd := exec.CommandContext(ctx, "/proc/self/exe", argv...)
	cmd.Args[0] = stageInit
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = grace + 5*time.Second // the stage below gives up first
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWPID | unix.CLONE_NEWNS,
		UseCgroupFD: true,
		CgroupFD:    int(dir.Fd()),
		Pdeathsig:   unix.SIGKILL,
	}
	return exitStatus(cmd.Run())
}

// exitStatus splits what [exec.Cmd.Run] returned: a command that ran and failed
// is no error of ours. 128+n is a death by signal n, as in a shell.
func exitStatus(err error) (int, error) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return 0, err
	}
	if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return exit.ExitCode(), nil
}
