package cgroups

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// Kill ends every process in the group and beneath it with SIGKILL. It returns
// when none is left, or with the cause of ctx when that ends first. A group that
// is gone is no error.
func (g *Group) Kill(ctx context.Context) error {
	err := write(g.file("cgroup.kill"), "1")
	if errors.Is(err, os.ErrNotExist) && g.exists() {
		err = g.killEach(ctx) // kernels before 5.14
	}
	if err == nil {
		err = g.waitEmpty(ctx)
	}
	if err != nil && !gone(err) {
		return fmt.Errorf("cgroups: kill %s: %w", g.path, err)
	}
	return nil
}

// killEach freezes the group first, so that a process that keeps forking
// cannot outrun the list.
func (g *Group) killEach(ctx context.Context) error {
	if err := write(g.file("cgroup.freeze"), "1"); err != nil {
		return err
	}
	if err := g.waitEvent(ctx, "frozen", 1); err != nil {
		return err
	}
	return g.signalEach()
}

func (g *Group) signalEach() error {
	pids, err := words(g.file("cgroup.procs"))
	if err != nil {
		return err
	}
	for _, text := range pids {
		pid, err := readPID(text)
		if err != nil {
			return err
		}
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return g.eachChild(func(child *Group) error {
		if err := child.signalEach(); err != nil && !gone(err) {
			return err
		}
		return nil
	})
}

// readPID reads the number of one process, so that no signal goes to a whole
// group of them: the kernel writes 0 for one that is not in our pid namespace.
func readPID(text string) (int, error) {
	pid, err := strconv.Atoi(text)
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("%w: process %q", errSyntax, text)
	}
	return pid, nil
}

// Remove removes the group and those beneath it. If processes are left it waits
// for their end, until ctx ends. A group that is gone is no error.
func (g *Group) Remove(ctx context.Context) error {
	for {
		err := g.removeTree()
		if err == nil {
			return nil
		}
		if errors.Is(err, unix.EBUSY) {
			err = g.waitEmpty(ctx)
		}
		if err != nil && !gone(err) {
			return fmt.Errorf("cgroups: remove %s: %w", g.path, err)
		}
	}
}

func (g *Group) removeTree() error {
	err := unix.Rmdir(g.dir())
	if errors.Is(err, unix.EBUSY) { // most often children, as nobody calls this while something runs
		if err := g.eachChild((*Group).removeTree); err != nil && !gone(err) {
			return err
		}
		err = unix.Rmdir(g.dir())
	}
	if err != nil && !gone(err) {
		return err
	}
	return nil
}

func (g *Group) eachChild(do func(*Group) error) error {
	entries, err := os.ReadDir(g.dir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if err := do(&Group{mount: g.mount, path: path.Join(g.path, e.Name())}); err != nil {
			return err
		}
	}
	return nil
}
