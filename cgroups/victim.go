package cgroups

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// Victims remembers which processes the kernel killed for want of memory, the
// first of each group. Its methods may be called from any goroutine.
type Victims struct {
	marked  *ebpf.Map // chosen by the kernel and not gone yet
	victims *ebpf.Map // victimRecord of a group, by its id
	links   []link.Link
}

// Victim is a process that was killed for want of memory.
type Victim struct {
	PID  int    // in the host's namespace
	Name string // its thread's: of at most 15 bytes, of the process' own making; what cannot be printed is replaced
}

// victimRecord is what the programs write.
type victimRecord struct {
	When, PID uint64
	Name      [nameSize]byte
}

const (
	nameSize   = 16
	victimSize = 16 + nameSize

	maxVictims = 1024 // the oldest are forgotten
)

// WatchVictims starts to watch all of the machine. Errors wrap [ErrHost]: kernels
// before 5.8 and processes without CAP_BPF and CAP_PERFMON cannot.
func WatchVictims() (_ *Victims, err error) {
	v := &Victims{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cgroups: watch the OOM killer: %w: %w", ErrHost, err), v.Close())
		}
	}()
	if err := rlimit.RemoveMemlock(); err != nil { // kernels before 5.11 count what maps hold
		return nil, err
	}
	v.marked, err = ebpf.NewMap(&ebpf.MapSpec{Name: "ingot_marked", Type: ebpf.LRUHash, KeySize: 8, ValueSize: 8, MaxEntries: maxVictims})
	if err != nil {
		return nil, err
	}
	v.victims, err = ebpf.NewMap(&ebpf.MapSpec{Name: "ingot_victims", Type: ebpf.LRUHash, KeySize: 8, ValueSize: victimSize, MaxEntries: maxVictims})
	if err != nil {
		return nil, err
	}
	for _, at := range []struct {
		tracepoint string
		spec       *ebpf.ProgramSpec
	}{
		{"sched_process_exit", exit(v.marked.FD(), v.victims.FD())},
		{"mark_victim", mark(v.marked.FD())},
	} {
		if err := v.attach(at.tracepoint, at.spec); err != nil {
			return nil, fmt.Errorf("%s: %w", at.tracepoint, err)
		}
	}
	return v, nil
}

func (v *Victims) attach(tracepoint string, spec *ebpf.ProgramSpec) error {
	p, err := ebpf.NewProgram(spec)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // the link keeps it
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: tracepoint, Program: p})
	if err == nil {
		v.links = append(v.links, l)
	}
	return err
}

// Take returns the first process of a group, by its ID, that was killed, and
// forgets it. Of a group beneath it nothing is told. The process has ended.
// False without an error: there is none, or more than a thousand came after it.
func (v *Victims) Take(group uint64) (Victim, bool, error) {
	var r victimRecord
	err := v.victims.Lookup(group, &r)
	if err == nil {
		err = v.victims.Delete(group)
	}
	switch {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return Victim{}, false, nil
	case err != nil:
		return Victim{}, false, fmt.Errorf("cgroups: read a victim: %w", err)
	}
	return Victim{PID: int(r.PID), Name: printable(unix.ByteSliceToString(r.Name[:]))}, true, nil
}

// printable replaces what would not be seen, or do harm to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// Close ends the watch.
func (v *Victims) Close() error {
	var errs []error
	for _, l := range v.links {
		errs = append(errs, l.Close())
	}
	return errors.Join(append(errs, v.victims.Close(), v.marked.Close())...)
}
