package oci

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ErrRefused is what every refusal of an option or of the final check wraps.
var ErrRefused = errors.New("refused")

// Option changes one thing of a specification, or refuses.
type Option func(*specs.Spec) error

// New builds a specification from the hardened base and opts, in order. args is
// the command: with [FromImage] it takes the place of the image's command and
// keeps its entrypoint, as Docker does; without, it is the whole command line.
// Equal arguments give equal specifications on one architecture. Errors wrap
// [ErrRefused].
func New(args []string, opts ...Option) (*specs.Spec, error) {
	s := base(args)
	for _, opt := range opts {
		if err := opt(s); err != nil {
			return nil, fmt.Errorf("oci: %w", err)
		}
	}
	finish(s)
	if err := check(s); err != nil {
		return nil, fmt.Errorf("oci: %w", err)
	}
	return s, nil
}

// version is the newest that every runtime we meet takes: crun 1.8 refuses 1.2.
const version = "1.1.0"

// oomScore makes jobs the first that the kernel ends for want of memory on the
// whole machine, before whatever else does not use half of it.
const oomScore = 500

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func base(args []string) *specs.Spec {
	return &specs.Spec{
		Version: version,
		Process: &specs.Process{
			Args:    slices.Clone(args),
			Cwd:     "/",
			Env:     []string{defaultPath},
			Rlimits: []specs.POSIXRlimit{noDump},
			// Else that of containerd, which is the last to go.
			OOMScoreAdj: new(oomScore),
		},
		Mounts: baseMounts(),
		Linux: &specs.Linux{
			MaskedPaths:   slices.Clone(masked),
			ReadonlyPaths: slices.Clone(readonly),
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
				{Type: specs.MountNamespace}, {Type: specs.CgroupNamespace}, {Type: specs.NetworkNamespace},
			},
			Resources: &specs.LinuxResources{
				// The runtime adds what every container may have: null, zero, random, tty.
				Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}},
			},
		},
	}
}

// Docker's lists, less what varies with the host.
var (
	masked = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/sys/devices/virtual/powercap", "/sys/firmware",
	}
	readonly = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// baseMounts are Docker's, less /dev/mqueue: queues work without it, and
// mounting it is slow.
func baseMounts() []specs.Mount {
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs",
			Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts",
			// The machine has 4096 terminals for all containers together.
			Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5", "max=64"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm",
			Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		// Images of label 4 look for memory.oom.group there (PROTOCOL.md 4.6).
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup",
			Options: []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
	}
}

// unlimited marks a specification built with [WithoutResources].
const unlimited = "io.ingot.limits"

// finish does what depends on all options together.
func finish(s *specs.Spec) {
	limited := s.Annotations[unlimited] == ""
	if limited {
		s.Process.Rlimits = append(s.Process.Rlimits, lifted...)
	} else {
		s.Linux.Resources = &specs.LinuxResources{} // without device rules too: crun needs privileges to set them
	}
	if s.Hostname != "" {
		name := "HOSTNAME=" + s.Hostname
		if !slices.ContainsFunc(s.Process.Env, func(kv string) bool { return strings.HasPrefix(kv, "HOSTNAME=") }) {
			s.Process.Env = append(s.Process.Env, name)
		}
	}
	if ownNetwork(s) {
		// As Docker does: no privilege for low ports and for ping, as nobody
		// else is in this network.
		s.Linux.Sysctl = map[string]string{
			"net.ipv4.ip_unprivileged_port_start": "0",
			"net.ipv4.ping_group_range":           "0 2147483647",
		}
	}
	var bounding []string
	if c := s.Process.Capabilities; c != nil {
		bounding = c.Bounding
	}
	s.Linux.Seccomp = filter(bounding, runtime.GOARCH)
	kept := []uint64{resourceCore}
	if limited {
		kept = append(kept, resourceNproc)
	}
	keep(s.Linux.Seccomp, kept...)
}

func ownNetwork(s *specs.Spec) bool {
	return slices.Contains(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.NetworkNamespace})
}
