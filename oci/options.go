package oci

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Env adds "NAME=value" entries; a later one replaces an earlier one of that
// name. An entry without a name is refused.
func Env(kv ...string) Option {
	return func(s *specs.Spec) error {
		for _, e := range kv {
			name, _, ok := strings.Cut(e, "=")
			if !ok || name == "" {
				return refuse("environment entry %q has no name", e)
			}
		}
		s.Process.Env = merge(s.Process.Env, kv)
		return nil
	}
}

// merge puts entries into env, those without a name left out. There may be
// hundreds of thousands: they are an image's.
func merge(env, entries []string) []string {
	places := make(map[string]int, len(env)+len(entries))
	for i, e := range env {
		name, _, _ := strings.Cut(e, "=")
		places[name] = i
	}
	for _, e := range entries {
		name, _, ok := strings.Cut(e, "=")
		if !ok || name == "" {
			continue
		}
		if i, known := places[name]; known {
			env[i] = e
			continue
		}
		places[name] = len(env)
		env = append(env, e)
	}
	return env
}

// Hostname names the container, in the environment too. It is refused over 64
// bytes or with anything but letters, digits, '-' and '.'.
func Hostname(name string) Option {
	return func(s *specs.Spec) error {
		bad := strings.ContainsFunc(name, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
		})
		if name == "" || len(name) > 64 || bad {
			return refuse("host name %q", name)
		}
		s.Hostname = name
		return nil
	}
}

// Memory limits memory to n bytes and forbids swap, so that going over it is an
// OOM kill and never a slow task. The kernel then kills the container as a
// whole, which images of label 4 insist on (PROTOCOL.md 4.6).
func Memory(n int64) Option {
	return func(s *specs.Spec) error {
		if n <= 0 {
			return refuse("memory limit of %d bytes", n)
		}
		s.Linux.Resources.Memory = &specs.LinuxMemory{Limit: &n, Swap: &n}
		if s.Linux.Resources.Unified == nil {
			s.Linux.Resources.Unified = map[string]string{}
		}
		s.Linux.Resources.Unified["memory.oom.group"] = "1"
		return nil
	}
}

// Pids limits processes and threads together to n.
func Pids(n int64) Option {
	return func(s *specs.Spec) error {
		if n <= 0 {
			return refuse("limit of %d processes", n)
		}
		s.Linux.Resources.Pids = &specs.LinuxPids{Limit: &n}
		return nil
	}
}

// OpenFiles sets RLIMIT_NOFILE of every process (PROTOCOL.md 4.5).
func OpenFiles(soft, hard uint64) Option {
	return func(s *specs.Spec) error {
		if soft == 0 || soft > hard {
			return refuse("open file limits %d and %d", soft, hard)
		}
		p := s.Process
		p.Rlimits = slices.DeleteFunc(p.Rlimits, func(r specs.POSIXRlimit) bool { return r.Type == "RLIMIT_NOFILE" })
		p.Rlimits = append(p.Rlimits, specs.POSIXRlimit{Type: "RLIMIT_NOFILE", Soft: soft, Hard: hard})
		return nil
	}
}

// Cgroup puts the container into the cgroup at dir, absolute from the root of
// the cgroup hierarchy. The OCI runtime makes it, with its cgroupfs driver.
func Cgroup(dir string) Option {
	return func(s *specs.Spec) error {
		if !path.IsAbs(dir) || path.Clean(dir) != dir || dir == "/" {
			return refuse("cgroup %q", dir)
		}
		s.Linux.CgroupsPath = dir
		return nil
	}
}

// WithoutResources drops every cgroup limit and the rules on devices, whatever
// other options say, for hosts whose cgroup hierarchy lacks the controllers.
// Nothing then holds back what runs in the container: for development only. The
// specification is marked with an annotation.
func WithoutResources() Option {
	return func(s *specs.Spec) error {
		s.Annotations = map[string]string{unlimited: "none, for development only"}
		return nil
	}
}

// JoinNetwork puts the container into the network namespace at file, for
// example /proc/1234/ns/net, instead of one of its own.
func JoinNetwork(file string) Option {
	return func(s *specs.Spec) error {
		if !path.IsAbs(file) {
			return refuse("network namespace %q", file)
		}
		for i, ns := range s.Linux.Namespaces {
			if ns.Type == specs.NetworkNamespace {
				s.Linux.Namespaces[i].Path = file
			}
		}
		return nil
	}
}

// NoNewPrivileges makes setuid programs and file capabilities of the image powerless.
func NoNewPrivileges() Option {
	return func(s *specs.Spec) error {
		s.Process.NoNewPrivileges = true
		return nil
	}
}

// Bind mounts the host's src at dst, read and write. Changes of mounts in it do
// not reach the container or come from it. Mounts beneath src are not seen.
func Bind(src, dst string) Option { return bind(src, dst, "rw") }

// BindReadOnly is [Bind] without the right to write.
func BindReadOnly(src, dst string) Option { return bind(src, dst, "ro") }

func bind(src, dst, access string) Option {
	return func(s *specs.Spec) error {
		s.Mounts = append(s.Mounts, specs.Mount{
			Destination: dst, Type: "bind", Source: src,
			// Not noexec: the grader's script and the student's programs are
			// there. The grader's chown takes away setuid bits (PROTOCOL.md 5.4),
			// so that nosuid takes nothing from existing tasks.
			Options: []string{"bind", "rprivate", "nosuid", "nodev", access},
		})
		return nil
	}
}
