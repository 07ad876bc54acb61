//go:build native || vm

package cgroups

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// tree opens a tree of the test's own, without any controller.
func tree(t *testing.T) *Parent {
	t.Helper()
	tier.Require(t, tier.Native, tier.VM)
	c := Config{Name: "ingot-test-" + strconv.Itoa(os.Getpid()), Controllers: []string{}}
	p, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(p.Close(), p.group.Kill(ctx), p.group.Remove(ctx)); err != nil {
			t.Error(err)
		}
	})
	return p
}

// run starts a shell script in g.
func run(t *testing.T, g *Group, script string) *exec.Cmd {
	t.Helper()
	dir, err := os.Open(g.dir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func job(t *testing.T, p *Parent, name string) *Group {
	t.Helper()
	g, err := p.Job(name, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func child(t *testing.T, g *Group, name string) *Group {
	t.Helper()
	c := g.Child(name)
	if err := os.Mkdir(c.dir(), 0o755); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKillAndRemove(t *testing.T) {
	p := tree(t)
	for name, kill := range map[string]func(*Group) error{
		"at once": func(g *Group) error { return g.Kill(t.Context()) },
		"one by one": func(g *Group) error {
			return errors.Join(g.killEach(t.Context()), g.waitEmpty(t.Context()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := job(t, p, "j1")
			a, b := child(t, g, "a"), child(t, g, "b")
			deep := child(t, child(t, a, "x"), "y")
			procs := []*exec.Cmd{
				run(t, a, "trap '' TERM; while :; do sh -c : & done"),
				run(t, b, "exec sleep 1000"), run(t, deep, "setsid sleep 1000 & setsid sleep 1000 & wait"),
			}
			if err := kill(g); err != nil {
				t.Fatal(err)
			}
			if n, err := words(g.file("cgroup.events")); err != nil || n[1] != "0" {
				t.Errorf("events %q, %v", n, err)
			}
			if frozen, err := words(g.file("cgroup.freeze")); err != nil || (frozen[0] == "1") != (name == "one by one") {
				t.Errorf("freeze %q, %v", frozen, err) // else a process that forks may outrun the list
			}
			for _, cmd := range procs {
				if err := cmd.Wait(); cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
					t.Error(err)
				}
			}
			if used, err := g.CPU(); err != nil || used <= 0 {
				t.Errorf("CPU of the job %v, %v", used, err)
			}
			for range 2 {
				if err := errors.Join(g.Remove(t.Context()), g.Kill(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := g.CPU(); !errors.Is(err, ErrGone) {
				t.Error(err)
			}
		})
	}
}

func TestRemoveWaitsForProcesses(t *testing.T) {
	g := job(t, tree(t), "j1")
	c := child(t, g, "c")
	cmd := run(t, c, "exec sleep 1000")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errEnough)
	defer cancel()
	if err := g.Remove(ctx); !errors.Is(err, errEnough) {
		t.Fatalf("removed a group with a process: %v", err)
	}
	cmd.Process.Kill()
	if err := g.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
}

var errEnough = errors.New("enough")

func TestKillGivesUpWithItsContext(t *testing.T) {
	g := job(t, tree(t), "j1")
	cmd := run(t, child(t, g, "c"), "exec sleep 1000")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errEnough)
	err := g.waitEmpty(ctx)
	if !errors.Is(err, errEnough) {
		t.Error(err)
	}
	if err := g.Kill(t.Context()); err != nil {
		t.Error(err)
	}
	cmd.Wait()
}

func TestReadingsOutliveTheChild(t *testing.T) {
	g := job(t, tree(t), "j1")
	c := child(t, g, "c")
	run(t, c, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done").Wait()
	if err := c.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := g.Read() // what the child used is still there
	rounding := (r.CPU.User + r.CPU.System - r.CPU.Usage).Abs()
	if err != nil || r.CPU.Usage <= 0 || rounding > 2*time.Microsecond {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOneAgentPerTree(t *testing.T) {
	p := tree(t)
	if _, err := Open(t.Context(), Config{Name: filepath.Base(p.Path()), Controllers: []string{}}); !errors.Is(err, ErrInUse) {
		t.Errorf("second agent: %v", err)
	}
}

// An agent that died left a job that still runs; the next one ends it.
func TestSweep(t *testing.T) {
	p := tree(t)
	left := child(t, job(t, p, "old"), "c")
	cmd := run(t, left, "exec sleep 1000")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := Open(t.Context(), Config{Name: filepath.Base(p.Path()), Controllers: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	p.lock = next.lock // for the clean-up
	cmd.Wait()
	if left.exists() || p.group.Child("old").exists() {
		t.Error("an old group is left")
	}
}

func TestJobs(t *testing.T) {
	p := tree(t)
	g := job(t, p, "j1")
	if !strings.HasPrefix(g.Path(), p.Path()+"/") || g.Child("c").Path() != g.Path()+"/c" {
		t.Errorf("path %s", g.Path())
	}
	if _, err := p.Job("j1", Limits{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("a name twice: %v", err)
	}
	for _, l := range []Limits{{Memory: -1}, {Pids: -1}, {IO: -1}, {CPUs: -1}, {CPUs: math.NaN()}, {CPUs: math.Inf(1)}} {
		if err := g.Set(l); err == nil {
			t.Errorf("%+v set", l)
		}
	}
	if err := g.Child("none").Set(Limits{}); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
}

// The group of a delegated service: systemd marks it, the agent moves out.
func TestDelegation(t *testing.T) {
	p := tree(t)
	service := child(t, p.group, "x-service")
	cmd := run(t, service, "exec sleep 1000")
	at := place{mount: service.mount, own: service.path}
	if _, ok := delegated(at); ok {
		t.Error("delegated without a mark")
	}
	for _, mark := range []string{"0", "1"} {
		if err := unix.Setxattr(service.dir(), "trusted.delegate", []byte(mark), 0); err != nil {
			t.Fatal(err)
		}
		if _, ok := delegated(at); ok != (mark == "1") {
			t.Errorf("with the mark %s delegated: %v", mark, ok)
		}
	}
	for _, own := range []string{service.path, service.path + "/agent"} {
		d, err := open(t.Context(), place{mount: service.mount, own: own}, Config{Controllers: []string{}})
		if err != nil {
			t.Fatal(err)
		}
		if d.Path() != service.path+"/jobs" {
			t.Errorf("tree %s", d.Path())
		}
		g := job(t, d, "j1")
		if pids, err := words(service.Child("agent").file("cgroup.procs")); err != nil || len(pids) != 1 {
			t.Errorf("in the leaf: %v, %v", pids, err)
		}
		if err := errors.Join(g.Remove(t.Context()), d.Close()); err != nil {
			t.Error(err)
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
}
