package sandboxtest

import (
	"context"
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
	return &specs.Spec{Process: &specs.Process{Args: ProbeArgs(args...)}}
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
