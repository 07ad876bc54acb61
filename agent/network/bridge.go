package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// checkSubnet refuses a subnet that this machine has addresses in.
func (n *Net) checkSubnet() error {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Overlaps(n.config.Subnet) {
			return fmt.Errorf("%w: their subnet %v and this machine's address %v overlap: choose another", ErrUnavailable, n.config.Subnet, p)
		}
	}
	return nil
}

// makeBridge makes the bridge before any plugin does, so that it never has IPv6.
func (n *Net) makeBridge() error {
	br := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs()}
	br.Name = n.name
	if err := netlink.LinkAdd(br); err != nil {
		return fmt.Errorf("make bridge %s: %w", n.name, err)
	}
	if err := sysctl("ipv6/conf/"+n.name+"/disable_ipv6", "1"); err != nil {
		return fmt.Errorf("keep IPv6 off the bridge: %w", err)
	}
	gateway := &net.IPNet{IP: n.gateway.AsSlice(), Mask: net.CIDRMask(n.config.Subnet.Bits(), 32)}
	if err := netlink.AddrAdd(br, &netlink.Addr{IPNet: gateway}); err != nil {
		return fmt.Errorf("give the bridge %v: %w", gateway, err)
	}
	if err := netlink.LinkSetUp(br); err != nil {
		return fmt.Errorf("set the bridge up: %w", err)
	}
	return nil
}

// removeBridge is no error if there is none.
func (n *Net) removeBridge() error {
	br, err := netlink.LinkByName(n.name)
	if _, none := errors.AsType[netlink.LinkNotFoundError](err); none {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(br)
	}
	if err != nil {
		return fmt.Errorf("remove bridge %s: %w", n.name, err)
	}
	return nil
}

// isolate lets a port of the bridge speak to the machine only.
func isolate(name string) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetIsolated(link, true)
	}
	if err != nil {
		return fmt.Errorf("isolate %s: %w", name, err)
	}
	return nil
}
