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
	if goarch == "amd64" { // others that have it need it, or have no programs of 32 bits
		closeMultiplexer(&out)
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

// closeMultiplexer refuses the system call by which programs of 32 bits make
// sockets: their family is in memory, where no filter looks, and so they had those
// that the profile refuses for good reasons. Docker has AppArmor for that.
func closeMultiplexer(f *specs.LinuxSeccomp) {
	const name = "socketcall"
	noSuchCall := uint(38) // ENOSYS; with the filter's own answer runtimes would drop the rule
	forget(f, name)
	f.Syscalls = append(f.Syscalls, specs.LinuxSyscall{Names: []string{name}, Action: specs.ActErrno, ErrnoRet: &noSuchCall})
}

// forget takes system calls out of the rules for many.
func forget(f *specs.LinuxSeccomp, names ...string) {
	for i, call := range f.Syscalls { // a fresh profile each time: nobody shares it
		f.Syscalls[i].Names = slices.DeleteFunc(call.Names, func(name string) bool { return slices.Contains(names, name) })
	}
}
