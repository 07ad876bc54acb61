package sandboxtest

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

const testLabel = "test.label"

// probeFake is a fake with one image that runs probes.
func probeFake() *Fake {
	f := NewFake()
	f.AddImage(sandbox.Image{
		Ref:     "probe:latest",
		ID:      "sha256:0123",
		Created: time.Unix(1000, 0),
		Labels:  map[string]string{testLabel: ""},
	}, Probe)
	return f
}

func probeSpec(args ...string) *specs.Spec {
	return &specs.Spec{Process: &specs.Process{Args: append([]string{"probe"}, args...)}}
}

// The shell's probe does what Probe does.
func TestScript(t *testing.T) {
	for _, args := range [][]string{{"exit", "7"}, {"say", "a b", "c"}, {"cat"}, {"flood", "70000", "10"}, {"line", "3"}, {"nonsense"}} {
		var want, got struct {
			out, err bytes.Buffer
			code     int
		}
		input := func() io.Reader { return strings.NewReader("one line\nand more") }
		want.code = Probe(t.Context(), input(), &want.out, &want.err, probeSpec(args...))
		argv := Script("sh", args...)
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = input(), &got.out, &got.err
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		got.code = cmd.ProcessState.ExitCode()
		if want.code == 100 {
			want.err.Reset() // the words are Probe's own
		}
		if got.code != want.code || got.out.String() != want.out.String() || got.err.String() != want.err.String() {
			t.Errorf("%q: %d, %.20q, %.20q; want %d, %.20q, %.20q", args,
				got.code, got.out.String(), got.err.String(), want.code, want.out.String(), want.err.String())
		}
	}
}

func TestSuiteOnFake(t *testing.T) {
	Suite(t, func(*testing.T) Harness {
		f := probeFake()
		return Harness{
			Runtime: f,
			Image:   "probe:latest",
			Label:   testLabel,
			Spec:    probeSpec,
			Left:    func(context.Context) []string { return f.Left() },
		}
	})
}
