//go:build vm

package e2e

import "testing"

// Containers' limits are their own, although all workers are one user to the
// kernel: who takes all signals and queues that a container may have leaves others
// theirs, and no process is refused because there are others elsewhere.
func TestTakesOfUser(t *testing.T) {
	r := start(t, "crun")
	r.armed(t, "takes", `
hold signals 20000
hold queues 20
test $(try timers 10) = 10 || no "no timers are left"
test $(try queues 10) = 10 || no "no queues are left"
test $(try processes 20) = 20 || no "no processes are left"`)
}
