package oci

import "github.com/opencontainers/runtime-spec/specs-go"

func undone(*specs.Spec) error { return ErrRefused }

// Image is what an image's configuration says of the process: a stranger's text.
type Image struct {
	Env        []string
	Entrypoint []string
	Cmd        []string
	WorkingDir string
	User       string // "", "root" or numbers "uid[:gid]"; other names are refused
}

// FromImage merges img in, by Docker's rules.
func FromImage(img Image) Option { return undone }

// Env adds "NAME=value" entries; a later one replaces an earlier one of that name.
func Env(kv ...string) Option { return undone }

// Hostname names the container.
func Hostname(name string) Option { return undone }

// Memory limits memory to n bytes and forbids swap.
func Memory(n int64) Option { return undone }

// Pids limits processes and threads.
func Pids(n int64) Option { return undone }

// OpenFiles sets RLIMIT_NOFILE.
func OpenFiles(soft, hard uint64) Option { return undone }

// Cgroup puts the container into the cgroup at path, as seen from the root of
// the cgroup hierarchy; the OCI runtime makes it.
func Cgroup(path string) Option { return undone }

// WithoutResources drops every cgroup limit, for hosts whose cgroup hierarchy
// lacks controllers. It limits nothing: for development only.
func WithoutResources() Option { return undone }

// JoinNetwork puts the container into the network namespace at path instead of
// one of its own. path "" is refused.
func JoinNetwork(path string) Option { return undone }

// Bind mounts the host's src at dst, read and write.
func Bind(src, dst string) Option { return undone }

// BindReadOnly mounts the host's src at dst, read only.
func BindReadOnly(src, dst string) Option { return undone }

// For adapts the specification to what rt understands.
func For(rt Runtime) Option { return undone }

// NoNewPrivileges forbids gaining privileges by setuid programs.
func NoNewPrivileges() Option { return undone }

// Etc are host files that every container needs at /etc, writable, its own (PROTOCOL.md 4.5).
type Etc struct{ Hosts, ResolvConf, Hostname string }

// GradingFiles are the host paths that a grading container sees (PROTOCOL.md 4.5).
type GradingFiles struct {
	Task    string // at /task, read and write
	Sockets string // at /sockets, read and write
	Common  string // at /course/common with its student folder, read only
	Etc     Etc
}

// StudentFiles are the host paths that a student container sees (PROTOCOL.md 4.5).
// An empty field mounts nothing there.
type StudentFiles struct {
	Student       string // at /task/student, read and write
	Scripts       string // at /task/student/scripts, read and write
	SystemFiles   string // at /task/systemfiles, read only
	CommonStudent string // at /course/common/student, read only
	ParentSocket  string // at /__parent.sock, read and write
	Etc           Etc
}

// Grading is the preset of a grading container.
func Grading(f GradingFiles) Option { return undone }

// Student is the preset of a student container.
func Student(f StudentFiles) Option { return undone }
