package cgroups

import "net/netip"

// Policy is what a job with a network may reach although [Guards] denies it
// otherwise. The loopback addresses are the job's own and need no mention.
type Policy struct {
	Allow     []netip.Addr // at all ports: the job's own addresses above all
	Resolvers []netip.Addr // at port 53
}

// Never lists networks that no job has business with, whatever the host's
// addresses are: link-local ones, where most clouds have their metadata services,
// the addresses of such services elsewhere, multicast and broadcast. The result is
// the caller's.
func Never() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("169.254.0.0/16"),
		netip.MustParsePrefix("fe80::/10"),
		netip.MustParsePrefix("100.100.100.200/32"),
		netip.MustParsePrefix("fd00:ec2::254/128"),
		netip.MustParsePrefix("224.0.0.0/3"), // multicast, reserved, broadcast
		netip.MustParsePrefix("ff00::/8"),
	}
}

// forAll is the number of rules that are of no job.
const forAll = 0

// Ports of a rule. All others are a port's number.
const (
	anyPort = 0
	noPort  = 1 << 16 // no port has it: the rule denies
)

const dnsPort = 53

// ruleKey is a key of the programs' longest-prefix map: the number of a job and
// a network, in the 16 bytes of an IPv6 address.
type ruleKey struct {
	Bits uint32 // of what follows, jobBits and more
	Job  uint32
	Addr [16]byte
}

const jobBits = 32

// keysOf are the keys of a network. One of IPv4 has two: as sockets and programs
// write it in 16 bytes, and as a translator to IPv4 takes it (RFC 6052).
func keysOf(job uint32, p netip.Prefix) []ruleKey {
	addr, bits := p.Addr(), p.Bits()
	if addr.Is4In6() && bits >= 96 {
		addr, bits = addr.Unmap(), bits-96
	}
	if !addr.Is4() {
		return []ruleKey{{Bits: uint32(jobBits + bits), Job: job, Addr: addr.As16()}}
	}
	mapped, translated := addr.As16(), netip.MustParseAddr("64:ff9b::").As16()
	copy(translated[12:], mapped[12:])
	all := uint32(jobBits + 96 + bits)
	return []ruleKey{{all, job, mapped}, {all, job, translated}}
}

// rules are those of a job: which ports it may reach where.
func (p Policy) rules(job uint32) map[ruleKey]uint32 {
	all := map[ruleKey]uint32{}
	add := func(addrs []netip.Addr, port uint32) {
		for _, a := range addrs {
			for _, k := range keysOf(job, netip.PrefixFrom(a.WithZone(""), a.BitLen())) {
				all[k] = port
			}
		}
	}
	add(p.Resolvers, dnsPort)
	add(p.Allow, anyPort) // wins where an address is both
	return all
}

// denials are the rules for all jobs that keep them off networks.
func denials(networks []netip.Prefix) map[ruleKey]uint32 {
	all := map[ruleKey]uint32{}
	for _, p := range networks {
		for _, k := range keysOf(forAll, p.Masked()) {
			all[k] = noPort
		}
	}
	return all
}
