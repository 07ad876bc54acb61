package oci

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// noDump keeps memory, in which there may be what students must not see, out of
// core dumps. The limit is one byte and not none: with none the kernel still
// starts the host's program for dumps, if kernel.core_pattern names one, outside
// of all limits of the job. No process may lower it: see keep.
var noDump = specs.POSIXRlimit{Type: "RLIMIT_CORE", Soft: 1, Hard: 1}

// lifted are limits by which the kernel counts what a user has on the whole
// machine. The workers of all containers are one user (PROTOCOL.md 7.5), so that
// a job that takes all it may would leave nothing to the others. The container's
// cgroup holds it back instead: by its number of processes, and for the rest,
// which is memory of the kernel, by its memory.
var lifted = []specs.POSIXRlimit{
	{Type: "RLIMIT_NPROC", Soft: enough, Hard: enough},
	{Type: "RLIMIT_SIGPENDING", Soft: enough, Hard: enough},
	{Type: "RLIMIT_MSGQUEUE", Soft: enough, Hard: enough},
}

// enough is more than any machine has. Infinity is spelt in different ways.
const enough = 1 << 40

// Resources by the kernel's numbers, as all architectures that Go has but MIPS
// know them.
const (
	resourceCore  = 4
	resourceNproc = 6
	resources     = 16 // how many there are
)

// keep makes processes believe that they set the limits of some resources: a
// filter may answer success to what is not done. Whoever asks for such a limit is
// told the truth.
//
// Existing images limit their worker to 1000 processes (PROTOCOL.md 5.5), which
// is to be no limit. And whoever lowered the limit of core dumps to none would
// have the host's program for dumps run at each crash (see noDump).
//
// The others are allowed by rules for blocks of them. Runtimes take several
// conditions on one argument for alternatives, so that "neither this nor that"
// would be anything; and a rule for each number would cost milliseconds per
// container. The kernel reads half of the argument, so that more numbers mean
// these resources than have a rule: those are refused.
func keep(f *specs.LinuxSeccomp, kept ...uint64) {
	forget(f, "setrlimit", "prlimit64")
	rule := func(name string, do specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) {
		call := specs.LinuxSyscall{Names: []string{name}, Action: do, Args: args}
		if do == specs.ActErrno {
			call.ErrnoRet = new(uint)
		}
		f.Syscalls = append(f.Syscalls, call)
	}
	for _, b := range others(block{0, resources}, kept) {
		rule("setrlimit", specs.ActAllow, b.holds(0))
		rule("prlimit64", specs.ActAllow, b.holds(1))
	}
	for _, n := range kept {
		rule("setrlimit", specs.ActErrno, block{n, 1}.holds(0))
		rule("prlimit64", specs.ActAllow, block{n, 1}.holds(1), specs.LinuxSeccompArg{Index: 2, Op: specs.OpEqualTo}) // to ask
		rule("prlimit64", specs.ActErrno, block{n, 1}.holds(1), specs.LinuxSeccompArg{Index: 2, Op: specs.OpNotEqual})
	}
}

// block is size numbers from first on. size is a power of two that divides first.
type block struct{ first, size uint64 }

// others cuts a block into the largest ones that have none of kept.
func others(b block, kept []uint64) []block {
	if !slices.ContainsFunc(kept, func(n uint64) bool { return n >= b.first && n < b.first+b.size }) {
		return []block{b}
	}
	half := b.size / 2
	if half == 0 {
		return nil
	}
	return append(others(block{b.first, half}, kept), others(block{b.first + half, half}, kept)...)
}

// holds is the condition that an argument is one of the block.
func (b block) holds(arg uint) specs.LinuxSeccompArg {
	if b.size == 1 {
		return specs.LinuxSeccompArg{Index: arg, Op: specs.OpEqualTo, Value: b.first}
	}
	return specs.LinuxSeccompArg{Index: arg, Op: specs.OpMaskedEqual, Value: -b.size, ValueTwo: b.first} // the value is a mask
}
