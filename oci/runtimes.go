package oci

import (
	"slices"
	"strings"
)

// Runtime is an OCI runtime that we know how to use (PROTOCOL.md 4.1).
type Runtime struct {
	Name         string // runc, crun, kata, nvidia, runsc
	Handler      string // containerd's name of it
	Binary       string // program, for the handler io.containerd.runc.v2; "" elsewhere
	EnvType      string // environment type of webapps
	SSHEnvType   string // the type for tasks that may use SSH
	SharedKernel bool   // programs run on the host's kernel: descriptors can be passed to students
	Root         bool   // students may run as root
	GPU          bool
	Told         string // the runtime's name that student containers of label 3 are told (PROTOCOL.md 5.5)
}

const runcShim = "io.containerd.runc.v2"

// rules are tried in order. gVisor is offered under Kata's type, as webapps know
// no other whose containers do not share the kernel.
var rules = []Runtime{
	{Name: "runc", Handler: runcShim, Binary: "runc", EnvType: "docker", SSHEnvType: "docker-ssh",
		SharedKernel: true, Told: "runc"},
	{Name: "crun", Handler: runcShim, Binary: "crun", EnvType: "docker", SSHEnvType: "docker-ssh",
		SharedKernel: true, Told: "crun"},
	{Name: "kata", Handler: "io.containerd.kata.v2", EnvType: "kata", SSHEnvType: "kata-ssh",
		Root: true, Told: "kata-runtime"},
	{Name: "nvidia", Handler: runcShim, Binary: "nvidia-container-runtime", EnvType: "nvidia", SSHEnvType: "nvidia-ssh",
		SharedKernel: true, GPU: true, Told: "nvidia"},
	{Name: "runsc", Handler: "io.containerd.runsc.v1", EnvType: "kata", SSHEnvType: "kata-ssh",
		Root: true, Told: "kata-runtime"},
}

// FindRuntime returns the first rule whose name is part of name, as
// "io.containerd.runc.v2" and "/usr/bin/runc" have "runc" (PROTOCOL.md 4.1).
func FindRuntime(name string) (Runtime, bool) {
	i := slices.IndexFunc(rules, func(r Runtime) bool { return strings.Contains(name, r.Name) })
	if i < 0 {
		return Runtime{}, false
	}
	return rules[i], true
}

// Runtimes lists all rules in order. The result is the caller's.
func Runtimes() []Runtime { return slices.Clone(rules) }
