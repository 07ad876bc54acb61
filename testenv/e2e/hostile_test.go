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
			job := r.job("hostile", limits{hard: 2})
			job.Environment = "raw"
			if done := r.grade(job); done.Status != c.status || !strings.Contains(done.Text, c.text) {
				t.Errorf("got %s %q, want %s %q", done.Status, done.Text, c.status, c.text)
			}
		})
	}
}
