//go:build native

package e2e

import (
	"strings"
	"testing"
)

// Whatever a main process writes to its agent, the job gets one result, and the
// last good frame counts.
func TestHostileMainProcess(t *testing.T) {
	r := start(t, "crun")
	r.raw()
	for name, c := range map[string]struct{ sh, status, text string }{
		"a result":          {frameOK, "success", ""},
		"text behind it":    {frameOK + `echo nobody logged in`, "success", ""},
		"a huge frame":      {frameOK + `printf '\377\377\377\377'; dd if=/dev/zero bs=1M count=50`, "success", ""},
		"a cut frame":       {frameOK + `printf '\000\000\001\000half'`, "success", ""},
		"two results":       {frameOK + `printf '\000\000\000\043\202\244type\246result\246result\201\246result\246failed'`, "failed", ""},
		"rubbish before it": {`printf '\000\000\000\003abc\000\000\000\000'; ` + frameOK, "success", ""},
		"nothing":           {`exit 0`, "crash", "without a result"},
		"only text":         {`echo hello`, "crash", "without a result"},
		"a flood of frames": {`cat /dev/zero`, "timeout", ""},
		"a flood of text":   {`yes`, "timeout", ""},
		"a flood of errors": {`yes >&2`, "timeout", ""},
		"closed streams":    {frameOK + `exec <&- >&- 2>&-; sleep 1`, "success", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r.task("hostile", c.sh)
			var l limits
			if c.status == "timeout" { // others are not to end in time
				l.hard = 2
			}
			job := r.job("hostile", l)
			job.Environment = "raw"
			if done := r.grade(job); done.Status != c.status || !strings.Contains(done.Text, c.text) {
				t.Errorf("got %s %q, want %s %q", done.Status, done.Text, c.status, c.text)
			}
		})
	}
}

// What a student program takes of what the kernel counts for the whole machine
// leaves enough to other containers: descriptors on their way through sockets,
// without which no run_student works, and terminals.
func TestTakesFromOthers(t *testing.T) {
	r := start(t, "crun")
	r.armed(t, "takes", `
hold flights 1000
test $has -gt 2 || no "only $has messages with descriptors"
run_student true; is 0
hold terminals 1000
test $has -le 64 || no "$has terminals"
test $(try terminals 10) = 10 || no "no terminals are left"`)
}

// No student program makes its crash run a program of the host.
func TestNoDumps(t *testing.T) {
	for _, name := range runtimes {
		t.Run(name, func(t *testing.T) {
			r := start(t, name)
			r.armed(t, "dumps", `test $(try dumps 1) = 0 || no "the limit of core dumps is not kept"`)
		})
	}
}
