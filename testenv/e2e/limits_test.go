//go:build vm

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
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
