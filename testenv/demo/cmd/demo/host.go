package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/testenv/images"
)

const containerd = "/run/containerd/containerd.sock"

// hostUnfit says why this host cannot run the demo, or nil.
func hostUnfit() error {
	if os.Geteuid() != 0 {
		return errors.New("not root")
	}
	if _, err := os.Stat(containerd); err != nil {
		return fmt.Errorf("no containerd: %w", err)
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		return fmt.Errorf("no loop devices: %w", err)
	}
	if _, err := exec.LookPath("mke2fs"); err != nil {
		return fmt.Errorf("no e2fsprogs: %w", err)
	}
	have, err := cgroups.Available()
	if err != nil {
		return err
	}
	for _, need := range []string{"memory", "pids"} {
		if !slices.Contains(have, need) {
			return fmt.Errorf("cgroup v2 without the %s controller", need)
		}
	}
	return nil
}

// namespace is the demo's own in containerd. It has one name, as containerd
// keeps the names of empty namespaces.
const namespace = "ingot-demo"

// onHost runs the demo as child processes, in a containerd namespace and a
// directory that go away with it.
func onHost(ctx context.Context, log *slog.Logger, p parts) (err error) {
	rt, err := ctrd.Connect(ctx, ctrd.Config{Address: containerd, Namespace: namespace, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rt.Close()) }()
	defer func() { err = errors.Join(err, rt.Remove(context.WithoutCancel(ctx), images.DemoRef)) }()
	archive, err := os.Open(p.image)
	if err != nil {
		return fmt.Errorf("open the image: %w", err)
	}
	defer archive.Close()
	if _, err := rt.Import(ctx, archive); err != nil {
		return fmt.Errorf("import the image: %w", err)
	}
	agents, clients := "ipc://"+p.dir+"/agents.sock", "ipc://"+p.dir+"/clients.sock"
	state := filepath.Join(p.dir, "state")
	// No task of the demo needs a network, and this machine's rules are not ours to change.
	services := []*service{
		p.service("inginious-backend", agents, clients),
		p.service("inginious-agent-mcq", agents, "--tasks", p.tasks),
		p.service("inginious-agent-containerd", agents, "--tasks", p.tasks, "--tmpdir", state, "--containerd-address", containerd, "--namespace", namespace, "--max-pids", "200", "--no-network"),
	}
	for _, s := range services {
		if err := s.start(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
	}
	if err := p.submit(ctx, clients); err != nil {
		return err
	}
	for _, s := range slices.Backward(services) {
		if err := s.stop(); err != nil {
			return err
		}
	}
	return hostLeftovers(ctx, rt, state)
}

// submit runs "ingot demo".
func (p parts) submit(ctx context.Context, backend string) error {
	c := exec.CommandContext(ctx, filepath.Join(p.bin, "ingot"), "demo", "-b", backend, "--tasks", p.tasks, p.table)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return errUnlike
	}
	return err
}

// hostLeftovers says what the demo left behind.
func hostLeftovers(ctx context.Context, rt *ctrd.Runtime, state string) error {
	var left []string
	n, err := rt.Sweep(ctx, map[string]string{grade.LabelOwner: state})
	if err != nil {
		return err
	}
	if n > 0 {
		left = append(left, fmt.Sprintf("%d containers", n))
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	if strings.Contains(string(mounts), state) {
		left = append(left, "mounts below "+state)
	}
	jobs, err := os.ReadDir(filepath.Join(state, "jobs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, j := range jobs {
		left = append(left, "directory "+j.Name())
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
	}
	return nil
}

// service is a child process that ends with SIGTERM.
type service struct {
	cmd *exec.Cmd
	log string
}

func (p parts) service(name string, args ...string) *service {
	return &service{cmd: exec.Command(filepath.Join(p.bin, name), args...), log: filepath.Join(p.dir, name+".log")}
}

func (s *service) start() error {
	f, err := os.Create(s.log)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer f.Close()
	s.cmd.Stderr = f
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// stop ends the process, once, and says what it said if it did not end well.
func (s *service) stop() error {
	if s.cmd.Process == nil || s.cmd.ProcessState != nil {
		return nil
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // one that ended already is waited for below
	late := time.AfterFunc(3*time.Minute, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	if err := s.cmd.Wait(); err != nil {
		said, _ := os.ReadFile(s.log)
		return fmt.Errorf("%s: %w\n%s", filepath.Base(s.cmd.Path), err, said)
	}
	return nil
}
