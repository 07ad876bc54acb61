package grade

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

func TestNetworksOf(t *testing.T) {
	var addresses []net.Addr
	for _, text := range []string{"127.0.0.1/8", "::1/128", "192.0.2.7/24", "2001:db8::7/64", "fe80::1/64", "10.255.0.1/32"} {
		ip, network, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, &net.IPNet{IP: ip, Mask: network.Mask})
	}
	want := []netip.Prefix{
		netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::7/128"),
		netip.MustParsePrefix("fe80::1/128"), netip.MustParsePrefix("10.255.0.1/32"),
	}
	if got := networksOf(addresses); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
