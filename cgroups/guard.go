package cgroups

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// Guards are the kernel's part of all guards: programs, loaded once, and the
// rules that they go by. Their methods may be called from any goroutine.
type Guards struct {
	state    *ebpf.Map // guardState of each guarded group, by its id
	rules    *ebpf.Map // ruleKey to a port
	programs []hook

	mu     sync.Mutex
	denied map[ruleKey]uint32 // for all jobs
	last   uint32             // number of a job
}

// hook is a program and where in the kernel it goes.
type hook struct {
	*ebpf.Program
	attach ebpf.AttachType
}

// guardState is what the programs know and count of a group.
type guardState struct {
	Job, _                 uint32
	Packets, Bytes, Denied uint64
}

// maxRules is how many networks may be denied and allowed, for all jobs together.
const maxRules = 1 << 16

// LoadGuards loads the programs. Errors wrap [ErrHost]: kernels before 5.9 and
// processes without CAP_BPF and CAP_NET_ADMIN cannot. Until Deny says more, only
// [Never] is denied.
func LoadGuards() (_ *Guards, err error) {
	s := &Guards{denied: map[ruleKey]uint32{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cgroups: load the guard's programs: %w: %w", ErrHost, err), s.Close())
		}
	}()
	if err := rlimit.RemoveMemlock(); err != nil { // kernels before 5.11 count what maps hold
		return nil, err
	}
	s.state, err = ebpf.NewMap(&ebpf.MapSpec{Name: "ingot_guards", Type: ebpf.CGroupStorage, KeySize: 8, ValueSize: 32})
	if err != nil {
		return nil, err
	}
	s.rules, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "ingot_rules", Type: ebpf.LPMTrie, KeySize: 24, ValueSize: 4, MaxEntries: maxRules, Flags: unix.BPF_F_NO_PREALLOC,
	})
	if err != nil {
		return nil, err
	}
	state, rules := s.state.FD(), s.rules.FD()
	for _, spec := range []*ebpf.ProgramSpec{
		egress(state, rules),
		sockAddr(ebpf.AttachCGroupInet4Connect, false, state, rules),
		sockAddr(ebpf.AttachCGroupInet6Connect, true, state, rules),
		sockAddr(ebpf.AttachCGroupUDP4Sendmsg, false, state, rules),
		sockAddr(ebpf.AttachCGroupUDP6Sendmsg, true, state, rules),
	} {
		p, err := ebpf.NewProgram(spec)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", spec.AttachType, err)
		}
		s.programs = append(s.programs, hook{p, spec.AttachType})
	}
	return s, s.Deny(nil)
}

// Deny keeps all jobs, those that run too, off networks and [Never], in place of
// what was denied before.
func (s *Guards) Deny(networks []netip.Prefix) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := denials(append(Never(), networks...))
	if maps.Equal(next, s.denied) {
		return nil
	}
	for k, port := range next { // before anything is removed: there is no gap
		if err := s.rules.Put(k, port); err != nil {
			return fmt.Errorf("cgroups: deny a network: %w", err)
		}
	}
	for k := range s.denied {
		if _, ok := next[k]; !ok {
			if err := s.rules.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) { // by a try that failed later
				return fmt.Errorf("cgroups: deny a network no more: %w", err)
			}
		}
	}
	s.denied = next
	return nil
}

// Close unloads what no guard uses any more.
func (s *Guards) Close() error {
	var errs []error
	for _, p := range s.programs {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, s.rules.Close(), s.state.Close())...)
}

// Guard keeps the processes of a group off networks. Its methods may be called
// from any goroutine.
type Guard struct {
	s     *Guards
	id    uint64 // of the group
	job   uint32 // its number in the rules
	links []link.Link

	mu    sync.Mutex
	rules map[ruleKey]uint32 // of the job
}

// Traffic is what a guarded group sent over networks, its own loopback included.
type Traffic struct {
	Packets, Bytes int64
	Denied         int64 // packets, connections and datagrams that were refused
}

// Guard guards the group and those beneath it, for as long as this process
// lives. The group must exist and should have no processes yet. The caller must
// Close the guard.
//
// A process that connects or sends where it may not gets EPERM at once; other
// packets that go there are lost. TCP packets that answer a connection from there
// pass, so that a published port can be reached from the host. What is sent
// through packet sockets (CAP_NET_RAW) is not seen.
func (g *Group) Guard(s *Guards, p Policy) (_ *Guard, err error) {
	x := &Guard{s: s, rules: map[ruleKey]uint32{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cgroups: guard %s: %w", g.path, err), x.Close())
		}
	}()
	if x.id, err = g.ID(); err != nil {
		return nil, err
	}
	for _, program := range s.programs {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: g.dir(), Attach: program.attach, Program: program.Program})
		if err != nil {
			return nil, fmt.Errorf("attach %v: %w", program.attach, err)
		}
		x.links = append(x.links, l)
	}
	x.job = s.number()
	if err := x.Allow(p); err != nil {
		return nil, err
	}
	if err := s.state.Update(x.id, guardState{Job: x.job}, ebpf.UpdateExist); err != nil {
		return nil, fmt.Errorf("number the group: %w", err)
	}
	return x, nil
}

// Allow adds to what the group may reach, until Forbid or Close.
func (x *Guard) Allow(p Policy) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for k, port := range p.rules(x.job) {
		if err := x.s.rules.Put(k, port); err != nil {
			return fmt.Errorf("cgroups: allow an address: %w", err)
		}
		x.rules[k] = port
	}
	return nil
}

// Forbid takes addresses out of what the group may reach, at all ports of theirs. It
// may be called again.
func (x *Guard) Forbid(addresses []netip.Addr) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for k := range (Policy{Allow: addresses}).rules(x.job) {
		if err := x.s.rules.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("cgroups: forbid an address: %w", err)
		}
		delete(x.rules, k)
	}
	return nil
}

// number gives a job its own.
func (s *Guards) number() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last++; s.last == forAll {
		s.last++
	}
	return s.last
}

// Traffic says what the group has sent so far. Once the group is removed that may
// be lost: [ErrGone].
func (x *Guard) Traffic() (Traffic, error) {
	var st guardState
	err := x.s.state.Lookup(x.id, &st)
	switch {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return Traffic{}, fmt.Errorf("cgroups: read the guard: %w", ErrGone)
	case err != nil:
		return Traffic{}, fmt.Errorf("cgroups: read the guard: %w", err)
	}
	return Traffic{Packets: int64(st.Packets), Bytes: int64(st.Bytes), Denied: int64(st.Denied)}, nil
}

// Close ends the guard. The group may be gone; it should have no processes.
func (x *Guard) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var errs []error
	for _, l := range x.links {
		errs = append(errs, l.Close())
	}
	for k := range x.rules {
		if err := x.s.rules.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cgroups: end a guard: %w", err)
	}
	return nil
}
