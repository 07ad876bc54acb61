package oci

import (
	"slices"
	"strings"
)

// Runtime is an OCI runtime that we know how to use (PROTOCOL.md 4.1).
type Runtime struct {
	Name         string // crun, runc, kata, nvidia, runsc, or what the operator calls it
	Handler      string // containerd's name of it
	Binary       string // program, for the handler io.containerd.runc.v2; "" elsewhere, and there for crun or else runc
	Config       string // file that another handler's shim reads; "" is the shim's own choice
	EnvType      string // environment type of webapps
	SSHEnvType   string // the type for tasks that may use SSH
	SharedKernel bool   // programs run on the host's kernel: descriptors can be passed to students
	Root         bool   // images that need root may run; where no kernel is shared, students may be root
	GPU          bool
	Devices      []string // CDI names of devices that every container gets
	Told         string   // the runtime's name that student containers of label 3 are told (PROTOCOL.md 5.5)
}

const (
	runcShim = "io.containerd.runc.v2"

	// toldRelayed is the only name by which student containers of label 3 know
	// that they share no kernel, toldShared one of the many others.
	toldRelayed = "kata-runtime"
	toldShared  = "runc"
)

// gpus are all that the machine has. NVIDIA's toolkit describes them for CDI.
const gpus = "nvidia.com/gpu=all"

// rules are tried in order: crun starts containers faster than runc. gVisor is
// offered under Kata's type, as webapps know no other whose containers do not
// share the kernel. NVIDIA's own runtime is not needed: what it would add to a
// container, CDI adds.
var rules = []Runtime{
	{Name: "crun", Handler: runcShim, Binary: "crun", EnvType: "docker", SSHEnvType: "docker-ssh",
		SharedKernel: true, Told: "crun"},
	{Name: "runc", Handler: runcShim, Binary: "runc", EnvType: "docker", SSHEnvType: "docker-ssh",
		SharedKernel: true, Told: "runc"},
	{Name: "kata", Handler: "io.containerd.kata.v2", EnvType: "kata", SSHEnvType: "kata-ssh",
		Root: true, Told: toldRelayed},
	{Name: "nvidia", Handler: runcShim, EnvType: "nvidia", SSHEnvType: "nvidia-ssh",
		SharedKernel: true, GPU: true, Devices: []string{gpus}, Told: "nvidia"},
	{Name: "runsc", Handler: "io.containerd.runsc.v1", EnvType: "kata", SSHEnvType: "kata-ssh",
		Root: true, Told: toldRelayed},
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

// Runtimes lists all rules in the order in which they are preferred. The result
// is the caller's, but not the devices in it.
func Runtimes() []Runtime { return slices.Clone(rules) }
