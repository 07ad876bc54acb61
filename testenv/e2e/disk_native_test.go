//go:build native

package e2e

import "testing"

// Whoever fills the disk is told so, and what the grader then says still counts.
// The next job has a disk of its own.
func TestDiskLimit(t *testing.T) {
	r := start(t, "crun")
	for range 2 {
		r.check(t, "task", `
run_student "dd if=/dev/zero of=student/fill bs=1M count=100" 2>/tmp/task
test $? != 0 && grep -q "No space left" /tmp/task || no "a student filled the task: $(cat /tmp/task)"
dd if=/dev/zero of=/tmp/small bs=1M count=10 || no "no room for the grader"`)
	}
	r.check(t, "own", `
run_student "dd if=/dev/zero of=/tmp/fill bs=1M count=100" 2>/tmp/root
test $? != 0 && grep -q "No space left" /tmp/root || no "a student filled its own: $(cat /tmp/root)"
run_student touch /tmp/small; is 0`)
	r.check(t, "files", `
run_student "sh -c 'i=0; while touch /tmp/\$i; do i=\$((i+1)); done; test \$i -gt 1000'" 2>/tmp/root; is 0
grep -q "No space left" /tmp/root || no "a student made files: $(cat /tmp/root)"
run_student touch /tmp/small; is 0`)
	r.check(t, "grader", `
dd if=/dev/zero of=/tmp/fill bs=1M count=100 2>/tmp/said && no "filled its own"
rm /tmp/fill`)
}
