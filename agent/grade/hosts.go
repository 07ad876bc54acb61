package grade

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/ingot-grading/ingot/agent/network"
)

// debuggerHost is the machine's name in debugger mode, as in Docker.
const debuggerHost = "host.docker.internal"

// place is what a container is told of where it is in the network.
type place struct {
	addresses []netip.Addr // its own
	resolvers []netip.Addr
	machine   netip.Addr // if the container is told its name
}

// placeOf is the zero place for a container without a network.
func placeOf(a *network.Attachment, debugger bool) place {
	if a == nil {
		return place{}
	}
	p := place{addresses: a.Addresses(), resolvers: a.Resolvers()}
	if debugger {
		p.machine = a.Gateway()
	}
	return p
}

// hosts is an /etc/hosts for a container with that host name.
func (p place) hosts(name string) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	if p.machine.IsValid() {
		fmt.Fprintf(&b, "%s\t%s\n", p.machine, debuggerHost)
	}
	for _, a := range p.addresses {
		fmt.Fprintf(&b, "%s\t%s\n", a, name)
	}
	return b.String()
}

// resolvConf is an /etc/resolv.conf.
func (p place) resolvConf() string {
	var b strings.Builder
	for _, a := range p.resolvers {
		fmt.Fprintf(&b, "nameserver %s\n", a)
	}
	return b.String()
}
