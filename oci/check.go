package oci

import (
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// check holds what is true of every specification, whatever its options did.
func check(s *specs.Spec) error {
	for _, rule := range []func(*specs.Spec) error{checkProcess, checkIsolation, checkLimits, checkMounts} {
		if err := rule(s); err != nil {
			return err
		}
	}
	return nil
}

func checkProcess(s *specs.Spec) error {
	p := s.Process
	if len(p.Args) == 0 || p.Args[0] == "" {
		return refuse("no command")
	}
	for _, text := range slices.Concat(p.Args, p.Env, []string{p.Cwd}) {
		if strings.ContainsRune(text, 0) {
			return refuse("NUL in %.100q", text)
		}
	}
	if err := checkSize(slices.Concat(p.Args, p.Env)); err != nil {
		return err
	}
	// A directory like /proc/self/fd/8 was a way out of the container (CVE-2024-21626).
	if !path.IsAbs(p.Cwd) || path.Clean(p.Cwd) != p.Cwd || special(p.Cwd) {
		return refuse("working directory %.100q", p.Cwd)
	}
	if !slices.Contains(p.Rlimits, noDump) {
		return refuse("core dumps")
	}
	if p.OOMScoreAdj == nil || *p.OOMScoreAdj != oomScore {
		return refuse("an OOM score of its own")
	}
	if p.Terminal {
		return refuse("a terminal")
	}
	return checkCapabilities(p.Capabilities)
}

// checkSize refuses what Linux would not execute, and what runtimes take minutes
// over: crun's time grows with the square of the entries.
func checkSize(texts []string) error {
	size := 0
	for _, text := range texts {
		if size += len(text) + 1; len(text) >= 128<<10 || size > 1<<20 {
			return refuse("command and environment of too many bytes")
		}
	}
	if len(texts) > 4096 {
		return refuse("command and environment of %d entries", len(texts))
	}
	return nil
}

func checkCapabilities(c *specs.LinuxCapabilities) error {
	if c == nil {
		return nil // none at all
	}
	for _, name := range slices.Concat(c.Bounding, c.Effective, c.Permitted) {
		if !slices.Contains(gradingCaps, name) {
			return refuse("capability %s", name)
		}
	}
	if len(c.Ambient) != 0 || len(c.Inheritable) != 0 {
		return refuse("inherited capabilities")
	}
	return nil
}

func checkIsolation(s *specs.Spec) error {
	l := s.Linux
	for _, own := range []specs.LinuxNamespaceType{
		specs.PIDNamespace, specs.IPCNamespace, specs.UTSNamespace, specs.MountNamespace, specs.CgroupNamespace,
	} {
		if !slices.Contains(l.Namespaces, specs.LinuxNamespace{Type: own}) {
			return refuse("no %s namespace of its own", own)
		}
	}
	network := func(ns specs.LinuxNamespace) bool { return ns.Type == specs.NetworkNamespace }
	if !slices.ContainsFunc(l.Namespaces, network) {
		return refuse("the host's network")
	}
	deny := func(d specs.LinuxDeviceCgroup) bool { return d.Allow }
	if len(l.Devices) != 0 || slices.ContainsFunc(l.Resources.Devices, deny) {
		return refuse("devices of the host")
	}
	if l.Seccomp == nil || s.Hooks != nil {
		return refuse("no system call filter, or hooks")
	}
	if !subset(masked, l.MaskedPaths) || !subset(readonly, l.ReadonlyPaths) {
		return refuse("unmasked paths")
	}
	return nil
}

func subset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(p string) bool { return !slices.Contains(whole, p) })
}

func checkLimits(s *specs.Spec) error {
	if s.Annotations[unlimited] != "" {
		return nil
	}
	r := s.Linux.Resources
	if r.Memory == nil || r.Memory.Limit == nil || r.Memory.Swap == nil || *r.Memory.Swap != *r.Memory.Limit {
		return refuse("no memory limit")
	}
	if r.Unified["memory.oom.group"] != "1" {
		return refuse("memory.oom.group is not 1")
	}
	if r.Pids == nil || s.Linux.CgroupsPath == "" {
		return refuse("no limit of processes, or no cgroup")
	}
	return nil
}

// checkMounts also wants parents before what is mounted in them: runtimes mount
// in order.
func checkMounts(s *specs.Spec) error {
	for i, m := range s.Mounts {
		if !path.IsAbs(m.Destination) || path.Clean(m.Destination) != m.Destination || m.Destination == "/" {
			return refuse("mount at %q", m.Destination)
		}
		for _, later := range s.Mounts[i+1:] {
			if within(m.Destination, later.Destination) {
				return refuse("mount at %q hides %q", later.Destination, m.Destination)
			}
		}
		if m.Type != "bind" {
			continue
		}
		if !path.IsAbs(m.Source) || path.Clean(m.Source) != m.Source || m.Source == "/" {
			return refuse("bind of %q", m.Source)
		}
		if special(m.Destination) {
			return refuse("bind at %q", m.Destination)
		}
	}
	return nil
}

// special reports whether dir is in one of the kernel's own trees.
func special(dir string) bool {
	return within(dir, "/proc") || within(dir, "/sys") || within(dir, "/dev")
}

// within reports whether the clean path p is dir or beneath it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }
