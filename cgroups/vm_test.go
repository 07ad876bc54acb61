//go:build vm

package cgroups

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// limited opens a tree with all controllers and makes a job in it.
func limited(t *testing.T, l Limits) *Group {
	t.Helper()
	tier.Require(t, tier.VM)
	p := tree(t)
	if got := p.controllers; !slices.Equal(got, []string{"cpu", "io", "memory", "pids"}) {
		t.Fatalf("controllers %q", got)
	}
	g, err := p.Job("limited", l)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// container makes a child as the OCI runtime does.
func container(t *testing.T, g *Group) *Group {
	t.Helper()
	c := child(t, g, "c")
	if err := write(c.file("memory.oom.group"), "1"); err != nil {
		t.Fatal(err)
	}
	return c
}

func signal(t *testing.T, cmd *exec.Cmd) unix.Signal {
	t.Helper()
	cmd.Wait()
	return cmd.ProcessState.Sys().(syscall.WaitStatus).Signal()
}

func TestMemoryLimit(t *testing.T) {
	const limit = 64 << 20
	g := limited(t, Limits{Memory: limit})
	// The eater is killed with its parent, which waits and could report success.
	parent := run(t, container(t, g), "tail /dev/zero; sleep 1000")
	if s := signal(t, parent); s != unix.SIGKILL {
		t.Errorf("the parent ended by %v", s)
	}
	if err := g.Child("c").Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := g.Read() // after the container's group is gone
	if err != nil || r.OOM.Kills < 2 || r.OOM.GroupKills != 1 || r.OOM.OOM == 0 {
		t.Errorf("%+v, %v", r.OOM, err)
	}
	if r.MemoryPeak < limit/2 || r.MemoryPeak > limit {
		t.Errorf("peak %d", r.MemoryPeak)
	}
	if swap, err := words(g.file("memory.swap.max")); err == nil && swap[0] != "0" {
		t.Errorf("swap limit %q", swap)
	}
}

// Of a group that is killed as a whole, the one that was to blame is named.
func TestVictim(t *testing.T) {
	v := watchVictims(t)
	g := limited(t, Limits{Memory: 32 << 20})
	c := container(t, g)
	id, err := c.ID()
	if err != nil {
		t.Fatal(err)
	}
	cmd := run(t, c, "sleep 1000 & tail /dev/zero; sleep 1000")
	if s := signal(t, cmd); s != unix.SIGKILL {
		t.Errorf("the parent ended by %v", s)
	}
	if err := c.waitEmpty(t.Context()); err != nil {
		t.Fatal(err)
	}
	who, ok, err := v.Take(id)
	if err != nil || !ok || who.Name != "tail" || who.PID <= cmd.Process.Pid {
		t.Errorf("got %+v, %v, %v; want tail, a child of %d", who, ok, err, cmd.Process.Pid)
	}
	if who, ok, err := v.Take(id); ok || err != nil {
		t.Errorf("a second time: %+v, %v, %v", who, ok, err)
	}
}

func TestPidsLimit(t *testing.T) {
	g := limited(t, Limits{Pids: 20})
	cmd := run(t, container(t, g), "while :; do sleep 1000 & done") // a shell gives up when it cannot fork
	cmd.Wait()
	r, err := g.Read()
	if err != nil || r.PidsDenied == 0 || r.Pids > 20 || r.PidsPeak > 20 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := errors.Join(g.Kill(t.Context()), g.Remove(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestKillAForkBomb(t *testing.T) {
	g := limited(t, Limits{Pids: 200, Memory: 256 << 20})
	cmd := run(t, container(t, g), "b() { b | b & b; }; while :; do b 2>/dev/null; done")
	for {
		r, err := g.Read()
		if err != nil {
			t.Fatal(err)
		}
		if r.PidsDenied > 0 {
			break
		}
	}
	if err := errors.Join(g.Kill(t.Context()), g.Remove(t.Context())); err != nil {
		t.Error(err)
	}
	cmd.Wait()
}

func TestCPULimit(t *testing.T) {
	g := limited(t, Limits{CPUs: 0.2})
	start := time.Now()
	cmd := run(t, container(t, g), "i=0; while [ $i -lt 4000 ]; do i=$((i+1)); done")
	cmd.Wait()
	wall := time.Since(start)
	r, err := g.Read()
	if err != nil || r.CPU.Throttled == 0 || r.CPU.Usage > wall/2 {
		t.Errorf("used %v in %v, %+v, %v", r.CPU.Usage, wall, r.CPU, err)
	}
}

// A group reads no faster than it may, whatever the disk can do.
func TestIOLimit(t *testing.T) {
	tier.Require(t, tier.VM)
	disk, err := DiskOf("/usr")
	if err != nil {
		t.Fatal(err)
	}
	g := limited(t, Limits{IO: 2 << 20, Disks: []Disk{disk}})
	start := time.Now()
	cmd := run(t, container(t, g), "for i in 1 2 3; do dd if=/dev/block/"+string(disk)+" of=/dev/null bs=1M count=2 iflag=direct; done")
	cmd.Wait()
	r, err := g.Read()
	if wall := time.Since(start); err != nil || r.IO.ReadBytes < 6<<20 || wall < time.Second {
		t.Errorf("read %d bytes in %v, %v", r.IO.ReadBytes, wall, err)
	}
}

func TestLimitsCanBeLifted(t *testing.T) {
	g := limited(t, Limits{Memory: 64 << 20, Pids: 10, CPUs: 1.5})
	want := map[string]string{"memory.max": "67108864", "pids.max": "10", "cpu.max": "150000 100000"}
	for range 2 {
		for name, value := range want {
			if got, err := os.ReadFile(g.file(name)); err != nil || strings.TrimSpace(string(got)) != value {
				t.Errorf("%s: %q, %v; want %s", name, got, err, value)
			}
		}
		if err := g.Set(Limits{}); err != nil {
			t.Fatal(err)
		}
		want = map[string]string{"memory.max": "max", "pids.max": "max", "cpu.max": "max 100000"}
	}
	if err := g.Set(Limits{Memory: math.MaxInt64, Pids: math.MaxInt64}); err != nil {
		t.Errorf("more than there can be: %v", err)
	}
}

// The test starts itself as a service to which systemd delegates its group.
func TestDelegatedBySystemd(t *testing.T) {
	tier.Require(t, tier.VM)
	const inside = "INGOT_TEST_IN_SERVICE"
	if os.Getenv(inside) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("systemd-run", "--quiet", "--wait", "--pipe", "--property=Delegate=yes",
			"--setenv="+inside+"=1", "--setenv=INGOT_TIER", self, "-test.run=^TestDelegatedBySystemd$", "-test.v")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	p, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(p.Path(), "/system.slice/") || !strings.HasSuffix(p.Path(), ".service/jobs") {
		t.Errorf("tree %s", p.Path())
	}
	g, err := p.Job("j1", Limits{Memory: 64 << 20, Pids: 10})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.Remove(t.Context()), p.Close()); err != nil {
		t.Error(err)
	}
	again, err := Open(t.Context(), Config{Controllers: []string{"memory"}}) // from the leaf, as after a restart in place
	if err != nil || again.Path() != p.Path() {
		t.Errorf("again: %v, %v", again, err)
	}
}
