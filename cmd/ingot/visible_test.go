package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
)

// A grader's result cannot speak to the terminal of whoever reads it: not change
// its title, not move up over what is there already, not answer for its user.
func TestResultsAreTame(t *testing.T) {
	const evil = "\x1b]0;title\x07\x1b[2A\x1b[6n\u009b31m\r\u202egnp\v"
	tests := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "q"+evil), evil)
	d := &wire.BackendJobDone{Result: wire.Result{
		Status: evil, Text: "first" + evil + "\nsecond\tword é", State: evil, Tests: tests,
		Stdout: wire.Nullable{Value: evil}, Stderr: wire.Nullable{Value: evil},
		Custom: wire.WithUsage(nil, wire.Usage{Victim: evil, Phases: []wire.Phase{{Name: evil}},
			Containers: []wire.ContainerUsage{{Name: evil, End: wire.End(evil), Phases: []wire.Phase{{Name: evil}}}}}),
	}}
	var out strings.Builder
	if err := printResult(&out, d, time.Second, false); err != nil {
		t.Fatal(err)
	}
	if rest := strings.Trim(out.String(), "\n"); strings.ContainsAny(rest, "\x1b\x07\r\v\u009b\u202e") {
		t.Errorf("it says %q", rest)
	}
	for _, want := range []string{"\nkilled ", "second", "word é"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in %s", want, out.String())
		}
	}
	where := find(&wire.BackendGetQueue{Running: []wire.RunningJob{{JobID: "j", Agent: evil}}}, "j")
	if strings.Contains(where, "\x1b") {
		t.Errorf("the job %q", where)
	}
}
