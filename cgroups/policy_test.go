package cgroups

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"testing"
)

// render writes rules as JOB ADDRESS/BITS PORT.
func render(rules map[ruleKey]uint32) []string {
	var all []string
	for k, port := range rules {
		all = append(all, fmt.Sprintf("%d %s/%d %d", k.Job, hex.EncodeToString(k.Addr[:]), k.Bits-jobBits, port))
	}
	return slices.Sorted(slices.Values(all))
}

func TestRulesOfAPolicy(t *testing.T) {
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	const v4, nat64 = "00000000000000000000ffff", "0064ff9b0000000000000000"
	for name, c := range map[string]struct {
		rules map[ruleKey]uint32
		want  []string
	}{
		"nothing": {Policy{}.rules(7), nil},
		"IPv4":    {Policy{Allow: []netip.Addr{addr("10.0.0.5")}}.rules(7), []string{"7 " + v4 + "0a000005/128 0", "7 " + nat64 + "0a000005/128 0"}},
		"mapped":  {Policy{Allow: []netip.Addr{addr("::ffff:10.0.0.5")}}.rules(7), []string{"7 " + v4 + "0a000005/128 0", "7 " + nat64 + "0a000005/128 0"}},
		"IPv6": {Policy{Allow: []netip.Addr{addr("fd00::5%eth0")}, Resolvers: []netip.Addr{addr("fd00::53")}}.rules(7),
			[]string{"7 fd000000000000000000000000000005/128 0", "7 fd000000000000000000000000000053/128 53"}},
		"both": {Policy{Allow: []netip.Addr{addr("fd00::5")}, Resolvers: []netip.Addr{addr("fd00::5")}}.rules(7),
			[]string{"7 fd000000000000000000000000000005/128 0"}},
		"networks": {denials([]netip.Prefix{prefix("10.88.3.4/16"), prefix("fd00:88::1/64")}),
			[]string{"0 " + v4 + "0a580000/112 65536", "0 " + nat64 + "0a580000/112 65536", "0 fd000088000000000000000000000000/64 65536"}},
		"mapped network": {denials([]netip.Prefix{netip.PrefixFrom(addr("::ffff:10.88.3.4"), 112)}),
			[]string{"0 " + v4 + "0a580000/112 65536", "0 " + nat64 + "0a580000/112 65536"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := render(c.rules); !slices.Equal(got, slices.Sorted(slices.Values(c.want))) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What is never reached is so in every form that an address can take.
func TestNever(t *testing.T) {
	rules := slices.Collect(maps.Keys(denials(Never())))
	for text, want := range map[string]bool{
		"169.254.169.254": true, "100.100.100.200": true, "224.0.0.1": true, "255.255.255.255": true, "fe80::1": true,
		"fd00:ec2::254": true, "ff02::1": true, "::ffff:169.254.169.254": true, "64:ff9b::169.254.169.254": true,
		"127.0.0.1": false, "::1": false, "10.0.0.1": false, "192.0.2.1": false, "223.255.255.255": false, "2001:db8::1": false, "64:ff9b::192.0.2.1": false,
	} {
		addr := netip.MustParseAddr(text)
		got := slices.ContainsFunc(rules, func(k ruleKey) bool { return covers(k, addr.As16()) })
		if got != want {
			t.Errorf("%s denied: %v, want %v", text, got, want)
		}
	}
}

// covers compares bits as the kernel's map does.
func covers(k ruleKey, addr [16]byte) bool {
	for i := range k.Bits - jobBits {
		if (k.Addr[i/8]^addr[i/8])>>(7-i%8)&1 != 0 {
			return false
		}
	}
	return true
}

// No two jobs go by one another's rules, nor by those for all, when the numbers
// begin again too.
func TestEachJobHasANumberOfItsOwn(t *testing.T) {
	s := &Guards{last: math.MaxUint32 - 1}
	seen := map[uint32]bool{forAll: true}
	for range 4 {
		n := s.number()
		if seen[n] {
			t.Errorf("number %d twice", n)
		}
		seen[n] = true
	}
}
