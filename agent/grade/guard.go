package grade

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/cgroups"
)

// guarded has the kernel refuse the job's containers, before any runs in that
// network, this machine and other jobs. What they need of them is let through.
// Without guards it does nothing: the rules of the network keep them off too.
func (j *job) guarded(a *network.Attachment) error {
	guards := j.e.cfg.Guards
	if guards == nil {
		return nil
	}
	in := placeOf(a, j.e.cfg.Debugger)
	allowed := cgroups.Policy{Allow: in.addresses, Resolvers: in.resolvers}
	if in.machine.IsValid() {
		allowed.Allow = append(allowed.Allow, in.machine)
	}
	if j.guard != nil { // of the job, and so of all its containers
		return j.guard.Allow(allowed)
	}
	addresses, err := net.InterfaceAddrs() // they may have changed since the last job
	if err != nil {
		return fmt.Errorf("find this machine's addresses: %w", err)
	}
	if err := guards.Deny(append(networksOf(addresses), j.e.cfg.Network.Subnet())); err != nil {
		return err
	}
	j.guard, err = j.group.Guard(guards, allowed)
	return err
}

// unreached takes back the leave to reach a network that is about to be removed: its
// addresses are for other jobs then.
func (j *job) unreached(a *network.Attachment) error {
	if j.guard == nil || a == nil {
		return nil
	}
	return j.guard.Forbid(a.Addresses())
}

// networksOf are the machine's own addresses. The loopback ones are each
// namespace's own.
func networksOf(addresses []net.Addr) []netip.Prefix {
	var all []netip.Prefix
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && !p.Addr().IsLoopback() {
			all = append(all, netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))
		}
	}
	return all
}

// unguard ends the guard, after the last process.
func (j *job) unguard() error {
	if j.guard == nil {
		return nil
	}
	return j.guard.Close()
}

// measureNetwork counts what the job has sent.
func (j *job) measureNetwork() {
	if j.guard == nil {
		return
	}
	t, err := j.guard.Traffic()
	if err != nil {
		j.log.Error("readings of the network missing", "err", err)
		return
	}
	j.used.Sent, j.used.Denied = t.Bytes, t.Denied
	j.e.metrics.sent.Add(float64(t.Bytes))
	j.e.metrics.denied.Add(float64(t.Denied))
	j.log.Info("job used the network", "packets", t.Packets, "bytes", t.Bytes, "denied", t.Denied)
}
