package main

import (
	"log/slog"
	"net"
	"net/netip"
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/network"
)

func TestGuessHost(t *testing.T) {
	subnet := netip.MustParsePrefix("10.217.0.0/16")
	for want, addresses := range map[string][]string{
		"192.0.2.7": {"127.0.0.1/8", "::1/128", "169.254.3.4/16", "fe80::1/64", "10.217.0.1/16", "2001:db8::7/64", "192.0.2.7/24", "192.0.2.8/24"},
		"10.0.0.9":  {"10.0.0.9/8"},
		"":          {"127.0.0.1/8", "10.217.0.1/16", "2001:db8::7/64"},
	} {
		var all []net.Addr
		for _, a := range addresses {
			ip, n, err := net.ParseCIDR(a)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, &net.IPNet{IP: ip, Mask: n.Mask})
		}
		if got := guessHost(all, subnet); got != want {
			t.Errorf("of %q: %q, want %q", addresses, got, want)
		}
	}
}

// Flags of the network that cannot work are refused, and those that can reach
// the executor.
func TestNetworkFlags(t *testing.T) {
	for name, f := range map[string]networkFlags{
		"ssh without":      {SSH: true},
		"debugger without": {Debugger: true},
	} {
		if f.check() == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	f := networkFlags{Network: true, SSH: true, Debugger: true, DebugHost: "h"}
	if err := f.check(); err != nil {
		t.Error(err)
	}
	var cfg grade.Config
	if err := f.grant(&cfg, nil); err != nil || cfg.SSH || cfg.Debugger {
		t.Errorf("without a network: %v, SSH %v, debugger %v", err, cfg.SSH, cfg.Debugger)
	}
	if err := f.grant(&cfg, new(network.Net)); err != nil || !cfg.SSH || !cfg.Debugger || cfg.DebugHost != "h" {
		t.Errorf("with a network: %v, %+v", err, cfg)
	}
	f.DebugHost = ""
	if err := f.grant(&cfg, new(network.Net)); err != nil || cfg.DebugHost == "" {
		t.Errorf("host for SSH %q, %v", cfg.DebugHost, err)
	}
	if n, err := new(networkFlags).open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler)); n != nil || err != nil {
		t.Errorf("not asked for: %v, %v", n, err)
	}
}
