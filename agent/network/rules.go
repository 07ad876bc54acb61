package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// chain is a chain of ours.
type chain struct {
	table, from, name string   // from: the kernel's chain whose top enters it; "": ours do
	rules             []string // their words separated by single spaces
}

// never are the networks that no job has business with, whatever the machine's
// addresses are: what belongs to one link, which holds the metadata services of
// clouds, one of them that has its address elsewhere, and what is sent to many.
// With those of IPv6 they are Never of package cgroups, for which 0.0.0.0/8 is the
// job itself.
var never = [...]string{"0.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "224.0.0.0/3"}

// The chains that ours enter: of what jobs reach although others say no, and of
// how they are told no.
func (n *Net) exceptions() string { return strings.ToUpper(n.name) + "-YES" }
func (n *Net) refusal() string    { return strings.ToUpper(n.name) + "-NO" }

// chains are the rules for all jobs, those first that others enter.
func (n *Net) chains() []chain {
	br, name, subnet := n.name, strings.ToUpper(n.name), n.config.Subnet.String()
	yes, no := n.exceptions(), n.refusal()
	forward := []string{
		"-i " + br + " -o " + prefix + "+ -j DROP", // also to other agents' jobs, and from them:
		"-i " + prefix + "+ -o " + br + " -j DROP", // either agent's chain may be the first
		"-o " + br + " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		"-o " + br + " -m conntrack --ctstate DNAT -j ACCEPT", // a published port
		"-o " + br + " -j DROP",
	}
	// What comes from jobs, to the machine or on its way through.
	from := []string{
		"-i " + br + " ! -s " + subnet + " -j DROP", // a forged sender
		"-i " + br + " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		"-i " + br + " -j " + yes,
	}
	forward = append(forward, from...)
	for _, to := range never {
		forward = append(forward, "-i "+br+" -d "+to+" -j "+no)
	}
	forward = append(forward,
		// A service of this machine, such as a container's port. Not by a reset, as br_netfilter
		// sends those without translating them back.
		"-i "+br+" -m conntrack --ctstate DNAT -j REJECT --reject-with icmp-admin-prohibited",
		"-i "+br+" -j ACCEPT") // where Docker is, what nobody accepts is dropped
	var except []string
	if n.config.Host {
		except = append(except, "-m conntrack --ctorigdst "+n.gateway.String()+" -j ACCEPT")
	}
	return []chain{
		{"filter", "", yes, except},
		{"filter", "", no, []string{
			"-p tcp -j REJECT --reject-with tcp-reset",
			"-j REJECT --reject-with icmp-admin-prohibited",
		}},
		{"filter", "INPUT", name + "-IN", append(slices.Clone(from), "-i "+br+" -j "+no)},
		{"filter", "FORWARD", name, forward},
		{"nat", "POSTROUTING", name, []string{
			"-s " + subnet + " ! -o " + br + " -j MASQUERADE",
		}},
	}
}

func (n *Net) addRules() error {
	for _, c := range n.chains() {
		if err := n.ipt.NewChain(c.table, c.name); err != nil {
			return fmt.Errorf("make chain: %w", err)
		}
		for _, r := range c.rules {
			if err := n.ipt.Append(c.table, c.name, strings.Fields(r)...); err != nil {
				return fmt.Errorf("add rule: %w", err)
			}
		}
		if c.from == "" {
			continue
		}
		if err := n.ipt.Insert(c.table, c.from, 1, "-j", c.name); err != nil {
			return fmt.Errorf("enter chain: %w", err)
		}
	}
	return nil
}

// letAsk lets jobs reach the name servers that they are told of, wherever those
// are. Each is let through once: it costs nothing as long as they stay the same.
func (n *Net) letAsk(resolvers []netip.Addr) error {
	n.asking.Lock()
	defer n.asking.Unlock()
	for _, r := range resolvers {
		if slices.Contains(n.asked, r) {
			continue
		}
		for _, protocol := range []string{"udp", "tcp"} {
			rule := "-p " + protocol + " -m conntrack --ctorigdst " + r.String() + " --ctorigdstport 53 -j ACCEPT"
			if err := n.ipt.Append("filter", n.exceptions(), strings.Fields(rule)...); err != nil {
				return fmt.Errorf("let jobs ask %v: %w", r, err)
			}
		}
		n.asked = append(n.asked, r)
	}
	return nil
}

// removeRules removes those that are there, and chains after those that enter
// them.
func (n *Net) removeRules() error {
	for _, c := range slices.Backward(n.chains()) {
		exists, err := n.ipt.ChainExists(c.table, c.name)
		if err != nil {
			return fmt.Errorf("find chain: %w", err)
		}
		if !exists {
			continue
		}
		if c.from != "" {
			if err := n.ipt.DeleteIfExists(c.table, c.from, "-j", c.name); err != nil {
				return fmt.Errorf("leave chain: %w", err)
			}
		}
		if err := n.ipt.ClearAndDeleteChain(c.table, c.name); err != nil {
			return fmt.Errorf("remove chain: %w", err)
		}
	}
	return nil
}
