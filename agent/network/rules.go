package network

import (
	"fmt"
	"strings"
)

// chain is a chain of ours, entered from the top of one of the kernel's.
type chain struct {
	table, from, name string
	rules             []string // their words separated by single spaces
}

// chains are the rules for all jobs. What they do not say, such as whether jobs
// may speak to the machine itself, is left to others.
func (n *Net) chains() []chain {
	br, name, subnet := n.name, strings.ToUpper(n.name), n.config.Subnet.String()
	return []chain{
		{"filter", "FORWARD", name, []string{
			"-i " + br + " -o " + prefix + "+ -j DROP", // also to other agents' jobs, and from them:
			"-i " + prefix + "+ -o " + br + " -j DROP", // either agent's chain may be the first
			"-o " + br + " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
			"-o " + br + " -m conntrack --ctstate DNAT -j ACCEPT", // a published port
			"-o " + br + " -j DROP",
			"-i " + br + " -s " + subnet + " -j ACCEPT", // where Docker is, what nobody accepts is dropped
			"-i " + br + " -j DROP",                     // a forged sender
		}},
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
		if err := n.ipt.Insert(c.table, c.from, 1, "-j", c.name); err != nil {
			return fmt.Errorf("enter chain: %w", err)
		}
	}
	return nil
}

// removeRules removes those that are there.
func (n *Net) removeRules() error {
	for _, c := range n.chains() {
		exists, err := n.ipt.ChainExists(c.table, c.name)
		if err != nil {
			return fmt.Errorf("find chain: %w", err)
		}
		if !exists {
			continue
		}
		if err := n.ipt.DeleteIfExists(c.table, c.from, "-j", c.name); err != nil {
			return fmt.Errorf("leave chain: %w", err)
		}
		if err := n.ipt.ClearAndDeleteChain(c.table, c.name); err != nil {
			return fmt.Errorf("remove chain: %w", err)
		}
	}
	return nil
}
