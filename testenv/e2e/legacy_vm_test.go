//go:build vm

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/testenv/images"
)

// Images that insist on the kernel's killing of whole groups find it so, and
// their scripts are told of students that are out of memory.
func TestLegacyMemory(t *testing.T) {
	l := newLegacy(t)
	r := start(t, "crun")
	l.bring(r, images.F4a, images.F4b)
	for _, f := range []images.Family{images.F4a, images.F4b} {
		r.env = f.Env()
		r.check(t, "memory", `
test "$(cat /sys/fs/cgroup/memory.oom.group)" = 1 || no "the main process did not look"
run_student --memory 40 "sh -c 'x=0123456789abcdef; while :; do x=\$x\$x; done'"; is 252`)
	}
}
