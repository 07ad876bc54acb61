package grade

import (
	"net/netip"
	"testing"
)

// What a container is told of its network.
func TestPlace(t *testing.T) {
	const local = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
	ip := netip.MustParseAddr
	for name, c := range map[string]struct {
		at            place
		hosts, resolv string
	}{
		"nowhere": {place{}, local, ""},
		"a network": {
			place{addresses: []netip.Addr{ip("10.0.0.2")}, resolvers: []netip.Addr{ip("192.0.2.1"), ip("192.0.2.2")}},
			local + "10.0.0.2\tj1\n", "nameserver 192.0.2.1\nnameserver 192.0.2.2\n",
		},
		"a debugger": {
			place{addresses: []netip.Addr{ip("10.0.0.2")}, machine: ip("10.0.0.1")},
			local + "10.0.0.1\thost.docker.internal\n10.0.0.2\tj1\n", "",
		},
	} {
		if got := c.at.hosts("j1"); got != c.hosts {
			t.Errorf("%s: hosts %q, want %q", name, got, c.hosts)
		}
		if got := c.at.resolvConf(); got != c.resolv {
			t.Errorf("%s: resolv.conf %q, want %q", name, got, c.resolv)
		}
	}
	if got := placeOf(nil, true); got.machine.IsValid() || got.addresses != nil {
		t.Errorf("a container without a network is told of one: %+v", got)
	}
}
