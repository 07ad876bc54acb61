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
	optional          bool     // the kernel may lack what they need
}

// maxFlows is how many connections a job may have at once, those of datagrams
// included. The machine's table of them has room for some ten thousands, for all
// jobs and itself.
const maxFlows = "1000"

// Those that have ended are not counted there, and yet stay in the table for two
// minutes. So a job may make a thousand at once, and then so many a second. What is
// left of that is forgotten once a job has not been heard of for longer than it
// takes to have all of it back.
const (
	maxNew   = "50/second"
	idleTime = "30000" // milliseconds
)

// never are the networks that no job has business with, whatever the machine's
// addresses are: link-local ones, where most clouds have their metadata services,
// one such service elsewhere, multicast and broadcast. With those of IPv6 they are
// Never of package cgroups, for which 0.0.0.0/8 is the job itself.
var never = [...]string{"0.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "224.0.0.0/3"}

// The chains that ours enter: of what jobs reach although others say no, and of
// how they are told no.
func (n *Net) exceptions() string { return strings.ToUpper(n.name) + "-YES" }
func (n *Net) refusal() string    { return strings.ToUpper(n.name) + "-NO" }

// excess is the chain that refuses more connections than a job may have, or make.
func (n *Net) excess() string { return strings.ToUpper(n.name) + "-MORE" }

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
		"-i " + br + " -j " + n.excess(),
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
		{table: "filter", name: yes, rules: except},
		{table: "filter", name: no, rules: []string{
			"-p tcp -j REJECT --reject-with tcp-reset",
			"-j REJECT --reject-with icmp-admin-prohibited",
		}},
		{table: "filter", name: n.excess(), optional: true, rules: []string{
			"-m hashlimit --hashlimit-above " + maxNew + " --hashlimit-burst " + maxFlows + " --hashlimit-mode srcip" +
				" --hashlimit-htable-expire " + idleTime + " --hashlimit-name " + br + " -j " + no,
			"-m connlimit --connlimit-above " + maxFlows + " --connlimit-mask 32 --connlimit-saddr -j " + no,
		}},
		{table: "filter", from: "INPUT", name: name + "-IN", rules: append(slices.Clone(from), "-i "+br+" -j "+no)},
		{table: "filter", from: "FORWARD", name: name, rules: forward},
		{table: "nat", from: "POSTROUTING", name: name, rules: []string{
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
			err := n.ipt.Append(c.table, c.name, strings.Fields(r)...)
			if err != nil && c.optional {
				n.config.Log.Warn("a rule for jobs with a network cannot be made", "rule", r, "err", err)
				continue
			}
			if err != nil {
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
