package oci

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Capabilities of containers whose first process is an existing image's
// (PROTOCOL.md 5.4): it runs as root, gives files away, signals and becomes the
// worker; sshd adds SYS_CHROOT, AUDIT_WRITE and NET_BIND_SERVICE. Of Docker's
// set MKNOD, SETFCAP and SETPCAP are missing: nothing there needs them.
var (
	studentCaps = []string{
		"CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
		"CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID", "CAP_SYS_CHROOT",
	}
	// Graders of networking tasks may look at packets; students never.
	gradingCaps = append(slices.Clone(studentCaps), "CAP_NET_RAW")
)

func capabilities(names []string) Option {
	return func(s *specs.Spec) error {
		// Nothing ambient or inheritable: what is no longer root has none.
		s.Process.Capabilities = &specs.LinuxCapabilities{
			Bounding: slices.Clone(names), Effective: slices.Clone(names), Permitted: slices.Clone(names),
		}
		return nil
	}
}

// Etc are files of the host that a container gets at /etc to write to. Its main
// process changes owner and mode of the first two and fails without them
// (PROTOCOL.md 5.4). An empty field mounts nothing.
type Etc struct {
	Hosts      string // /etc/hosts
	ResolvConf string // /etc/resolv.conf
	Hostname   string // /etc/hostname
}

// GradingFiles are the host paths that a grading container sees (PROTOCOL.md
// 4.5). An empty field mounts nothing.
type GradingFiles struct {
	Task    string // at /task, read and write
	Sockets string // at /sockets, read and write
	Common  string // at /course/common with its folder student, read only
	Etc     Etc
}

// StudentFiles are the host paths that a student container sees (PROTOCOL.md
// 4.5). An empty field mounts nothing.
type StudentFiles struct {
	Student       string // at /task/student, read and write
	Scripts       string // at /task/student/scripts, read and write
	SystemFiles   string // at /task/systemfiles, read only
	CommonStudent string // at /course/common/student, read only
	ParentSocket  string // at /__parent.sock, read and write
	Etc           Etc
}

// Grading is the preset of a grading container: mounts and capabilities. New
// privileges stay possible, as existing graders may call sudo or su.
func Grading(f GradingFiles) Option {
	return all(
		capabilities(gradingCaps),
		optional(Bind, f.Task, "/task"),
		optional(Bind, f.Sockets, "/sockets"),
		optional(BindReadOnly, f.Common, "/course/common"),
		f.Etc.mount(),
	)
}

// Student is the preset of a student container: mounts, fewer capabilities and
// no new privileges. Its shim starts as root and only ever gives rights up.
func Student(f StudentFiles) Option {
	return all(
		capabilities(studentCaps),
		NoNewPrivileges(),
		optional(Bind, f.Student, "/task/student"),
		optional(Bind, f.Scripts, "/task/student/scripts"),
		optional(BindReadOnly, f.SystemFiles, "/task/systemfiles"),
		optional(BindReadOnly, f.CommonStudent, "/course/common/student"),
		optional(Bind, f.ParentSocket, "/__parent.sock"),
		f.Etc.mount(),
	)
}

func (e Etc) mount() Option {
	return all(
		optional(Bind, e.Hosts, "/etc/hosts"),
		optional(Bind, e.ResolvConf, "/etc/resolv.conf"),
		optional(Bind, e.Hostname, "/etc/hostname"),
	)
}

func optional(mount func(src, dst string) Option, src, dst string) Option {
	if src == "" {
		return all()
	}
	return mount(src, dst)
}

func all(opts ...Option) Option {
	return func(s *specs.Spec) error {
		for _, opt := range opts {
			if err := opt(s); err != nil {
				return err
			}
		}
		return nil
	}
}
