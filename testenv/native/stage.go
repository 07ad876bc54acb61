package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// Stage must be called first by a program that uses [Enter]: Enter starts the
// program again, inside the namespaces. When this process is such a start,
// Stage does its work and reports true with the exit status to end with.
func Stage() (status int, ok bool) {
	var err error
	switch filepath.Base(os.Args[0]) {
	case stageInit:
		status, err = initStage(os.Args[1:])
	case stageMain:
		status, err = mainStage(os.Args[1:])
	default:
		return 0, false
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "native:", err)
		status = max(status, 1)
	}
	return status, true
}

// initStage is the first process of the namespace. It never leaves its thread,
// as a cgroup namespace belongs to one; its child inherits that.
func initStage(argv []string) (int, error) {
	runtime.LockOSThread()
	if err := mounts(); err != nil {
		return 0, err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM)
	child, err := os.StartProcess("/proc/self/exe", append([]string{stageMain}, argv...),
		&os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return 0, fmt.Errorf("start main stage: %w", err)
	}
	go func() {
		for sig := range signals {
			_ = child.Signal(sig) // it may have ended by itself
		}
	}()
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case pid == child.Pid && ws.Signaled():
			return 128 + int(ws.Signal()), nil
		case pid == child.Pid:
			return ws.ExitStatus(), nil
		}
	}
}

// mounts makes the namespace's own view: /proc for its processes, /run/containerd
// in memory, and its cgroup as the only hierarchy.
func mounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.Mount("tmpfs", runDir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=711"); err != nil {
		return fmt.Errorf("mount %s: %w", runDir, err)
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("unshare cgroup namespace: %w", err)
	}
	if err := unix.Unmount("/sys/fs/cgroup", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount cgroups: %w", err)
	}
	if err := unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount cgroup2: %w", err)
	}
	// A group that has processes cannot hand controllers to those below it.
	self := "/sys/fs/cgroup/native"
	if err := os.Mkdir(self, 0o755); err != nil {
		return fmt.Errorf("make own cgroup: %w", err)
	}
	if err := os.WriteFile(self+"/cgroup.procs", []byte("0"), 0); err != nil {
		return fmt.Errorf("enter own cgroup: %w", err)
	}
	return nil
}

// runscConfig keeps gVisor from insisting on controllers that are not there.
const runscConfig = `[runsc_config]
ignore-cgroups = "true"
`

// mainStage runs containerd and, beside it, the command.
func mainStage(argv []string) (status int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	if err := os.WriteFile(RunscConfig, []byte(runscConfig), 0o600); err != nil {
		return 0, fmt.Errorf("write gVisor's configuration: %w", err)
	}
	d, err := Start(ctx, Config{Dir: runDir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()

	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "INGOT_TIER=native", "CONTAINERD_ADDRESS="+d.Address())
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = grace
	return exitStatus(cmd.Run())
}
