package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/network"
)

// networkFlags say what jobs get of the network (PROTOCOL.md 8.2).
type networkFlags struct {
	Network bool         `negatable:"" default:"true" help:"Give jobs that ask for it a network. On where this machine has the standard CNI plugins and iptables."`
	Subnet  netip.Prefix `default:"10.217.0.0/16" placeholder:"PREFIX" help:"IPv4 network of all jobs, used nowhere else (${default})."`

	SSH        bool          `name:"ssh" help:"Offer the environment types for SSH: their tasks may let people into students' containers."`
	DebugHost  string        `placeholder:"HOST" help:"Host that people are told to connect to by SSH. If not given, the machine's first address that others can reach; behind a translating router that is wrong."`
	DebugPorts network.Range `default:"64120-64130" placeholder:"A-B" help:"Ports of this machine to lead people into containers, one per session, on all addresses (${default})."`
	Debugger   bool          `help:"For debugging graders: every job has a network, half an hour, and host.docker.internal for this machine."`
}

// check refuses flags that contradict each other.
func (f *networkFlags) check() error {
	if !f.Network && (f.SSH || f.Debugger) {
		return errors.New("--ssh and --debugger need the network")
	}
	return nil
}

// open makes what networks of jobs stand on, with its files below state. Without
// what that takes it says so once, and there are none: nil.
func (f *networkFlags) open(ctx context.Context, state string, log *slog.Logger) (*network.Net, error) {
	if !f.Network {
		return nil, nil
	}
	n, err := network.Open(ctx, network.Config{State: filepath.Join(state, "network"), Subnet: f.Subnet, Ports: f.DebugPorts, Host: f.Debugger, Log: log})
	if errors.Is(err, network.ErrUnavailable) {
		log.Warn("jobs that need a network, ports or SSH are refused", "err", err)
		return nil, nil
	}
	return n, err
}

// grant puts the network into the executor's configuration.
func (f *networkFlags) grant(cfg *grade.Config, n *network.Net) error {
	if n == nil {
		return nil
	}
	cfg.Network, cfg.SSH, cfg.Debugger, cfg.DebugHost = n, f.SSH, f.Debugger, f.DebugHost
	if cfg.DebugHost != "" {
		return nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("find the host for SSH: %w", err)
	}
	if cfg.DebugHost = guessHost(addresses, f.Subnet); cfg.DebugHost != "" {
		return nil
	}
	if cfg.DebugHost, err = os.Hostname(); err != nil {
		return fmt.Errorf("find the host for SSH: %w", err)
	}
	return nil
}

// guessHost is the first of a machine's addresses that others can reach, "" if
// there is none. IPv4 comes first: it is what ports are published on. Nothing is
// asked of anybody outside.
func guessHost(addresses []net.Addr, subnet netip.Prefix) string {
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() && !subnet.Contains(p.Addr()) {
			return p.Addr().String()
		}
	}
	return ""
}
