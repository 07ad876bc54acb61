package oci

import (
	"slices"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// filter is Docker's default profile for a container with those capabilities on
// goarch. The module's own resolver asks the running kernel for its version;
// this one takes every rule with a minimum, as all of them are older than
// cgroup v2 as we need it.
func filter(caps []string, goarch string) *specs.LinuxSeccomp {
	profile := seccomp.DefaultProfile()
	out := profile.LinuxSeccomp
	for _, a := range profile.ArchMap {
		if a.Arch == seccompArch[goarch] {
			out.Architectures = append([]specs.Arch{a.Arch}, a.SubArches...)
		}
	}
	for _, call := range profile.Syscalls {
		if applies(call, caps, goarch) {
			out.Syscalls = append(out.Syscalls, call.LinuxSyscall)
		}
	}
	return &out
}

// seccompArch has the architectures that the profile knows by other names.
// Without an entry the runtime's own architecture is used alone.
var seccompArch = map[string]specs.Arch{
	"amd64":   specs.ArchX86_64,
	"arm64":   specs.ArchAARCH64,
	"riscv64": specs.ArchRISCV64,
	"s390x":   specs.ArchS390X,
	"loong64": specs.ArchLOONGARCH64,
}

func applies(call *seccomp.Syscall, caps []string, goarch string) bool {
	has := func(name string) bool { return slices.Contains(caps, name) }
	lacks := func(name string) bool { return !has(name) }
	if no := call.Excludes; no != nil {
		if slices.Contains(no.Arches, goarch) || slices.ContainsFunc(no.Caps, has) {
			return false
		}
	}
	if yes := call.Includes; yes != nil {
		if len(yes.Arches) > 0 && !slices.Contains(yes.Arches, goarch) {
			return false
		}
		if slices.ContainsFunc(yes.Caps, lacks) {
			return false
		}
	}
	return true
}
