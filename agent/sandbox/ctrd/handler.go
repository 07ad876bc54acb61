package ctrd

import (
	"cmp"
	"fmt"
	"maps"
	"os/exec"
	"path"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// Installed is nil if containers of the handler with the devices can be made
// here, as far as can be seen from this process. The error is of class
// [sandbox.ErrNoRuntime] or [sandbox.ErrNoDevice] and names what is missing.
// dirs are those of [Config].
func Installed(h sandbox.Handler, devices, dirs []string) error {
	if err := missing(h); err != nil {
		return err
	}
	_, err := inject(&specs.Spec{Process: &specs.Process{}}, devices, dirs)
	return err
}

// missing says which program of a handler is not installed, if one is not.
// containerd tells that in words only, so it is found out after a failure.
func missing(h sandbox.Handler) error {
	name := cmp.Or(h.Name, runcShim)
	programs := []string{shimProgram(name)}
	switch {
	case name == runcShim:
		programs = append(programs, cmp.Or(h.Binary, "runc"))
	case name == runscShim && h.Config == "": // which may name another
		programs = append(programs, "runsc")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%w: %w", sandbox.ErrNoRuntime, err)
		}
	}
	return nil
}

// annotations adds to those of a container what its handler needs. gVisor's
// shim connects the streams only of what is called a sandbox, as opposed to a
// further container in one, and hangs on others.
func annotations(h sandbox.Handler, own map[string]string) map[string]string {
	if !strings.HasPrefix(path.Base(shimProgram(cmp.Or(h.Name, runcShim))), "containerd-shim-runsc-") {
		return own
	}
	all := maps.Clone(own)
	if all == nil {
		all = map[string]string{}
	}
	all["io.kubernetes.cri.container-type"] = "sandbox"
	return all
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
