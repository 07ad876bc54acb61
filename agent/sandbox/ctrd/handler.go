package ctrd

import (
	"cmp"
	"fmt"
	"os/exec"
	"strings"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// missing says which program of a handler is not installed, if one is not.
// containerd tells that in words only, so it is found out after a failure.
func missing(h sandbox.Handler) error {
	name := cmp.Or(h.Name, runcShim)
	programs := []string{shimProgram(name)}
	if name == runcShim {
		programs = append(programs, cmp.Or(h.Binary, "runc"))
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%w: %w", sandbox.ErrNoRuntime, err)
		}
	}
	return nil
}

// shimProgram is the program that containerd starts for a runtime name:
// io.containerd.runc.v2 is run by containerd-shim-runc-v2. A path is itself.
func shimProgram(name string) string {
	parts := strings.Split(name, ".")
	if strings.Contains(name, "/") || len(parts) < 2 {
		return name
	}
	return "containerd-shim-" + parts[len(parts)-2] + "-" + parts[len(parts)-1]
}
