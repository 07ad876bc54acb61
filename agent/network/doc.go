// Package network gives jobs that ask for one a network: an address behind the
// machine's own, and ports of the machine that lead into the job. Jobs without
// a network never come here and pay nothing.
//
// A job's network is a namespace that this package makes and pins, so that it
// is there before the first container and outlives each of them. Containers
// that join the same one talk to each other over localhost. The standard CNI
// plugins connect it: bridge and host-local give it an address, and portmap, if
// there are ports to publish, gives it those.
//
//	STATE/lock
//	STATE/namespaces/ID   pins of the jobs' namespaces
//	STATE/leases          addresses in use, host-local's
//
// # Who reaches whom
//
// All jobs are on one bridge, each on an isolated port of it: frames go to the
// machine and back, never from job to job. Packets that would go around by the
// machine, to another job's address or published port, are dropped by a rule in
// the FORWARD chain. From outside only published ports lead in, on the machine's
// addresses of IPv4. They do not answer on its loopback addresses: portmap would
// have to let jobs send packets to the machine's own loopback for that.
//
// Jobs reach what the machine reaches, but not the machine: neither its own
// addresses nor services that it translates to others, as Docker does for the
// ports of its containers. Nor do they reach link-local networks, where most
// clouds have their metadata services, or multicast. They are told so at once,
// by a reset or an ICMP message. Excepted are replies, port 53 of the name
// servers that they are told of, and for debugging the gateway's address. The
// rules are asked for all that comes over the bridge, so they hold for packet
// sockets too, and for containers with a kernel of their own: both go around by
// the programs on the job's cgroup (package cgroups), which tell a process of a
// shared kernel even sooner, and count. What forges frames in the name of another
// job is not stopped, nor counted as its own: it takes the right to make raw packets,
// which only programs of a grading image's root have, and students never.
//
// A job has a thousand connections at most, datagrams to as many addresses and
// ports included, and makes no more than fifty a second for long: the machine keeps
// account of all in one table, those that have just ended too, and who fills it cuts
// everybody off. With the job its connections go. Where the kernel lacks
// xt_connlimit or xt_hashlimit, that is logged once and not held.
//
// There is no IPv6 in a job's network, beside ::1, and none on the bridge, so
// that nothing has to be guarded twice.
//
// # Rules
//
// What holds for all jobs are a few rules in chains of our own, made once by
// [Open]: to masquerade, to forward, to refuse. A name server that appears later
// adds two. A job without ports costs no call of iptables otherwise. Whoever
// flushes the machine's rules takes ours with them, up to the next Open. The
// chains of a job's ports are portmap's, and so is the chain CNI-HOSTPORT-DNAT
// above them, which stays: others may use it too. With the first job the bridge
// plugin lets the whole machine forward packets (net.ipv4.ip_forward), and that
// stays as well.
//
// # After a crash
//
// The pins tell which jobs there were, and a name made from the state directory
// tells what belongs to it: network, bridge and chains. Open removes all of that
// and nothing else.
package network
