package grade

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/wire/grading"
)

// grouped is a job of 200 MiB that may have students, on an agent of cfg. A
// directory stands for its cgroup: files tells what was written since it was asked
// last, "" for nothing, of limits of memory, processes, CPUs and disks.
func grouped(t *testing.T, cfg Config) (g *students, files func() string) {
	t.Helper()
	dir := t.TempDir()
	place := func(names ...string) {
		for _, name := range names {
			must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
		}
	}
	place("cgroup.controllers")
	parent, err := cgroups.Open(t.Context(), cgroups.Config{Mount: dir, Name: "tree", Controllers: []string{}})
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir), parent.Close()) })
	cfg.Students, cfg.Pids, cfg.Log = 16, 100, slog.New(slog.DiscardHandler)
	e := &Executor{cfg: cfg}
	must(t, e.register())
	all := newCatalogue([]sandbox.Image{image("i", 0, labelName, "demo", labelVersion, "4")}, Config{Kinds: kinds(t, "crun")}, nil)
	e.known.Store(&offering{catalogue: all})
	j := &job{e: e, id: "j", env: all[[2]string{"docker", "demo"}], limits: limits{time.Second, time.Minute, 200 << 20}, log: cfg.Log}
	j.group, err = parent.Job("j", cgroups.Limits{})
	must(t, err)
	kernels := []string{"tree/j/memory.max", "tree/j/pids.max", "tree/j/cpu.max", "tree/j/io.max"}
	place(kernels...)
	must(t, j.group.Set(j.groupLimits(0, 0)))
	return newStudents(t.Context(), j), func() string {
		var all []string
		for _, name := range kernels {
			text, err := os.ReadFile(filepath.Join(dir, name))
			must(t, err)
			all = append(all, string(text))
		}
		place(kernels...)
		if strings.Join(all, "") == "" {
			return ""
		}
		return strings.Join(all, ", ")
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// A job has together what its grader has and the students that it runs at once.
// That never sinks, and is the grader's alone if they share a budget.
func TestGroupOfAJob(t *testing.T) {
	const alike, lifted = "", "max, max, max, "
	limited := func(mib, pids int) string { return fmt.Sprintf("%d, %d, max, ", mib<<20, pids) }
	all := func(mib, pids int) string {
		return fmt.Sprintf("%d, %d, 150000 100000, 8:0 rbps=7 wbps=7", mib<<20, pids)
	}
	for name, c := range map[string]struct {
		cfg  Config
		want [6]string // alone; with one student; two; another, the second being gone; one more; a large one
	}{
		"own":            {Config{}, [6]string{limited(200, 100), limited(230, 200), limited(280, 300), alike, limited(280, 400), limited(450, 500)}},
		"shared":         {Config{SharedBudget: true}, [6]string{limited(200, 100), limited(200, 200), limited(200, 300), alike, limited(200, 400), limited(200, 500)}},
		"CPUs and disks": {Config{CPUs: 1.5, IO: 7, Disks: []cgroups.Disk{"8:0"}}, [6]string{all(200, 100), all(230, 200), all(280, 300), alike, all(280, 400), all(450, 500)}},
		"unlimited":      {Config{Unlimited: true}, [6]string{lifted, alike, alike, alike, alike, alike}},
	} {
		g, files := grouped(t, c.cfg)
		if got := files(); got != c.want[0] {
			t.Errorf("%s, alone: %q, want %q", name, got, c.want[0])
		}
		var last *student
		for i, mib := range []int64{30, 50, 10, 10, 500} {
			if i == 2 {
				g.forget(last)
			}
			s, err := g.admit(&grading.RunStudent{SocketID: fmt.Sprint(i), MemoryLimit: mib})
			must(t, err)
			if got := files(); got != c.want[i+1] {
				t.Errorf("%s, student %d: %q, want %q", name, i+1, got, c.want[i+1])
			}
			last = s
		}
	}
}

// Each container has limits of its own.
func TestLimitsOfAContainer(t *testing.T) {
	g, _ := grouped(t, Config{OpenFiles: 64})
	p := blueprint{env: g.j.env, limits: limits{memory: 30 << 20}, args: []string{"x"}}
	spec, err := g.j.specification(p, "/tree/j/s1")
	must(t, err)
	r := spec.Linux.Resources
	if *r.Memory.Limit != 30<<20 || *r.Memory.Swap != 30<<20 || r.Unified["memory.oom.group"] != "1" || *r.Pids.Limit != 100 || spec.Linux.CgroupsPath != "/tree/j/s1" {
		t.Errorf("limits %+v in %s", r, spec.Linux.CgroupsPath)
	}
	if want := (specs.POSIXRlimit{Type: "RLIMIT_NOFILE", Hard: 64, Soft: 64}); !slices.Contains(spec.Process.Rlimits, want) {
		t.Errorf("process limits %v lack %v", spec.Process.Rlimits, want)
	}
}

// The memory of students is the agent's beside their grader's, unless they use that.
func TestReservations(t *testing.T) {
	for shared, want := range map[bool]int64{false: 30 << 20, true: 0} {
		g, _ := grouped(t, Config{SharedBudget: shared})
		g.j.reserve(30 << 20)
		if used, _ := g.j.e.memory.state(); used != want || g.j.reserved.Load() != want {
			t.Errorf("shared %v: %d used, %d the job's, want %d", shared, used, g.j.reserved.Load(), want)
		}
		g.j.unreserve(30 << 20)
		if used, _ := g.j.e.memory.state(); used != 0 || g.j.reserved.Load() != 0 {
			t.Errorf("shared %v: %d used by nobody, %d by the job", shared, used, g.j.reserved.Load())
		}
	}
}
