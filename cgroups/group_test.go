package cgroups

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// What the kernel is told of limits. A directory stands for a group.
func TestSet(t *testing.T) {
	g := &Group{mount: t.TempDir(), path: "/"}
	for _, c := range []struct {
		limits Limits
		want   map[string]string
	}{
		{Limits{}, map[string]string{"memory.max": "max", "memory.swap.max": "max", "pids.max": "max", "cpu.max": "max", "io.max": ""}},
		{Limits{Memory: 1, Pids: 2, CPUs: 1.5, IO: 3, Disks: []Disk{"8:0"}}, map[string]string{
			"memory.max": "1", "memory.swap.max": "0", "pids.max": "2", "cpu.max": "150000 100000", "io.max": "8:0 rbps=3 wbps=3",
		}},
		{Limits{Pids: math.MaxInt64, CPUs: 1e-9, Disks: []Disk{"8:0"}}, map[string]string{
			"memory.max": "max", "memory.swap.max": "max", "pids.max": "4194304", "cpu.max": "1000 100000", "io.max": "",
		}},
	} {
		for name := range c.want {
			if err := os.WriteFile(filepath.Join(g.mount, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Set(c.limits); err != nil {
			t.Errorf("%+v: %v", c.limits, err)
		}
		for name, want := range c.want {
			if got, err := os.ReadFile(filepath.Join(g.mount, name)); err != nil || string(got) != want {
				t.Errorf("%+v: %s is %q, %v; want %q", c.limits, name, got, err, want)
			}
		}
	}
}

// The CPUs of jobs are those of the next group that has a say, as systemd passes
// that controller on to nobody who has not asked.
func TestCPUsAreOfTheNextGroupThatSays(t *testing.T) {
	mount := t.TempDir()
	if err := os.MkdirAll(filepath.Join(mount, "system.slice/agent/jobs"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := &Parent{group: &Group{mount: mount, path: "/system.slice/agent/jobs"}}
	if n := p.CPUs(); n != 0 {
		t.Errorf("%d CPUs where nobody says", n)
	}
	for _, c := range []struct {
		at, list string
		want     int
	}{{"", "0-15", 16}, {"system.slice", "0-7", 8}, {"system.slice/agent/jobs", "2,3", 2}} {
		if err := os.WriteFile(filepath.Join(mount, c.at, "cpuset.cpus.effective"), []byte(c.list+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if n := p.CPUs(); n != c.want {
			t.Errorf("%s says %s: %d CPUs", c.at, c.list, n)
		}
	}
}
