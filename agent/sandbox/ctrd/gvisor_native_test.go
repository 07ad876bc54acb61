//go:build native

package ctrd

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/testenv/native"
)

// gVisor keeps what every runtime promises, but for one thing: its shim learns
// the exit code only of what has not ended when it begins to ask, and tells 128
// of the rest. Its probes are slower, so that this happens on busy machines only.
func TestSuiteOnGVisor(t *testing.T) {
	t.Parallel() // in a namespace of its own
	suite(t, sandbox.Handler{Name: "io.containerd.runsc.v1", Config: native.RunscConfig}, func(args ...string) *specs.Spec {
		s := probeSpec(args...)
		s.Process.Args[2] = "sleep 0.3\n" + s.Process.Args[2]
		return s
	}, 128)
}
