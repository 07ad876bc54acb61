//go:build vm

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
)

// Going over the memory limit is an overflow, whoever in the container does it.
func TestMemoryLimit(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		r.task("grader", `feedback-result success; x=0123456789abcdef; while :; do x=$x$x; done`)
		if done := r.grade(r.job("grader", limits{memory: 40})); done.Status != "overflow" || done.State != "before" {
			t.Errorf("the grader: %s with state %q, want overflow", done.Status, done.State)
		}
		r.task("child", `feedback-result success; sh -c 'x=0123456789abcdef; while :; do x=$x$x; done'; feedback-result failed`)
		if done := r.grade(r.job("child", limits{memory: 40})); done.Status != "overflow" {
			t.Errorf("a child of it: %s, want overflow", done.Status)
		}
		r.task("shm", `feedback-result success; dd if=/dev/zero of=/dev/shm/x bs=1M count=60; feedback-result failed`)
		if done := r.grade(r.job("shm", limits{memory: 40})); done.Status != "overflow" {
			t.Errorf("a file in memory: %s, want overflow", done.Status)
		}
	})
}

// A fork bomb meets the process limit of its own container and nothing else.
func TestProcessLimit(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		r.task("bomb", `feedback-result failed; while :; do sleep 1000 & done`)
		if done := r.grade(r.job("bomb", limits{})); done.Status != "failed" {
			t.Errorf("got %s %q, want the grader's own result", done.Status, done.Text)
		}
	})
}

// There is no swap to hide in, no core dump to fill the disk, no network to
// speak through.
func TestBox(t *testing.T) {
	r := start(t, "crun")
	r.task("box", `
test "$(cat /sys/fs/cgroup/memory.swap.max)" = 0 || exec feedback -r failed -f swap
test "$(cat /sys/fs/cgroup/memory.oom.group)" = 1 || exec feedback -r failed -f oom.group
test "$(ulimit -c)" = 0 || exec feedback -r failed -f core
test "$(ls /sys/class/net)" = lo || exec feedback -r failed -f net
test ! -w /sys/fs/cgroup/memory.max || exec feedback -r failed -f cgroup
feedback-result success`)
	if done := r.grade(r.job("box", limits{})); done.Status != "success" {
		t.Errorf("%s: %s", done.Status, done.Text)
	}
}

// A student out of memory is told so, and neither the grader nor another
// student pays for it.
func TestStudentMemory(t *testing.T) {
	r := start(t, "crun")
	r.check(t, "eater", `
echo 'x=0123456789abcdef; while :; do x=$x$x; done' > student/eat
run_student sleep 5 & other=$!
run_student --memory 30 sh student/eat; is 252
wait $other; is 0`)
	r.check(t, "tiny", `run_student --memory 1 true; code=$?; test $code = 252 || test $code = 254 || no "code $code"`)
	r.check(t, "beside", `
dd if=/dev/zero of=/dev/shm/x bs=1M count=60 2>/dev/null
run_student "sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60 && sleep 3'" & other=$!
run_student "sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60 && sleep 3'"; is 0
wait $other; is 0`)
}

// With a budget for all they do pay.
func TestSharedBudget(t *testing.T) {
	r := start(t, "crun", func(cfg *grade.Config) { cfg.SharedBudget = true })
	r.task("beside", `
dd if=/dev/zero of=/dev/shm/x bs=1M count=60 2>/dev/null
run_student "sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60'"; code=$?
feedback -r failed -f "code $code"`)
	done := r.grade(r.job("beside", limits{}))
	if done.Status != "overflow" && (done.Status != "failed" || done.Text != "code 252") {
		t.Errorf("got %s %q, want one of them out of memory", done.Status, done.Text)
	}
}
