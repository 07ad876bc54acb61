//go:build vm

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/wire"
)

// With one budget for all, grader and students pay for each other. The CPU time
// of a job can be bounded too.
func TestSharedBudget(t *testing.T) {
	r := start(t, "crun", func(cfg *grade.Config) { cfg.SharedBudget, cfg.CPUs = true, 0.5 })
	r.check(t, "half a CPU", `
used() { sed -n "s/usage_usec //p" /sys/fs/cgroup/cpu.stat; }
now() { sed "s/[. ].*//" /proc/uptime; }
was=$(used); began=$(now)
timeout 8 sh -c 'while :; do :; done'
test $(($(used) - was)) -lt $((($(now) - began + 1) * 750000)) || no "used $(($(used) - was)) us in $(($(now) - began)) s"`)
	r.task("beside", `
dd if=/dev/zero of=/dev/shm/x bs=1M count=60 2>/dev/null
run_student "sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60'"; code=$?
feedback -r failed -f "code $code"`)
	done := r.grade(r.job("beside", limits{}))
	if done.Status != "overflow" && (done.Status != "failed" || done.Text != "code 252") {
		t.Errorf("got %s %q, want one of them out of memory", done.Status, done.Text)
	}
}

// What a job used is told, all its containers together and each. What it writes
// counts once the disk has it, and nothing of a job is made to be there.
func TestUsage(t *testing.T) {
	r := start(t, "crun")
	r.task("use", `
dd if=/dev/zero of=/dev/shm/x bs=1M count=30 2>/dev/null
dd if=/dev/zero of=/tmp/written bs=1M count=20 oflag=direct 2>/dev/null
run_student "sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=40 && for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'"
run_student "sh -c 'kill -9 $$'"
feedback-result success`)
	done, used := r.gradeAndMeasure(r.job("use", limits{}))
	if done.Status != "success" || len(used.Containers) != 3 {
		t.Fatalf("%s, used %+v", done.Status, used)
	}
	grader, first, second := used.Containers[0], used.Containers[1], used.Containers[2]
	for _, c := range []struct {
		name    string
		got     wire.Resources
		memory  int64 // MiB, at least
		pids    int64
		written int64 // MiB
	}{
		{"job", used.All, 70, 10, 20}, {"grader", grader.Used, 30, 2, 20}, {"s1", first.Used, 40, 9, 0}, {"s2", second.Used, 0, 1, 0},
	} {
		if c.got.CPU <= 0 || c.got.PidsPeak < c.pids || c.got.Written < c.written<<20 || c.got.MemoryPeak < c.memory<<20 || c.got.MemoryPeak > 200<<20 {
			t.Errorf("%s used %+v, want %d MiB, %d processes, %d MiB written", c.name, c.got, c.memory, c.pids, c.written)
		}
	}
	if first.Used.Written > 0 || first.Used.MemoryPeak > used.All.MemoryPeak {
		t.Errorf("the first student used %+v of %+v", first.Used, used.All)
	}
	for i, c := range used.Containers {
		wantPhases(t, c.Phases, "creating", "starting", "running", "draining")
		if c.End != wire.EndExited {
			t.Errorf("%s: %s", c.Name, c.End)
		}
		if want := []string{"grader", "s1", "s2"}[i]; c.Name != want {
			t.Errorf("container %q, want %q", c.Name, want)
		}
	}
	if grader.Code != 0 || first.Code != 0 || second.Code != 256-9 {
		t.Errorf("exit codes %d, %d, %d", grader.Code, first.Code, second.Code)
	}
}
