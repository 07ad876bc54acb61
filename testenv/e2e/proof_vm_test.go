//go:build vm

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/agent/network"
)

// A job whose ports are all taken is refused, and one that comes later has them.
func TestPortsRunOut(t *testing.T) {
	for _, name := range runtimes {
		t.Run(name, func(t *testing.T) {
			r := start(t, name, connected(t, network.Range{First: onlyPort, Last: onlyPort}))
			r.refuseWithoutPort(t, row{rule: "3.5 no port", env: "web", sh: `feedback-result success`, status: "crash", text: "No ports are available", kept: true})
		})
	}
}
