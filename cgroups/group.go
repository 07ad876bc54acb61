package cgroups

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrGone says that a group does not exist, or not any more.
	ErrGone = errors.New("cgroup is gone")
	// ErrHost says that this host's cgroup hierarchy cannot limit jobs.
	ErrHost = errors.New("cgroup v2 is not usable")
)

// Config says where jobs' groups go.
type Config struct {
	Mount       string   // of cgroup2; "": found in /proc/self/mountinfo
	Name        string   // of our tree at the root, where systemd delegates us none; "": "ingot"
	Controllers []string // without which Open fails; nil: cpu, memory, pids. Empty and not nil: none
}

// Parent is the tree that the agent owns.
type Parent struct{}

// Open finds or makes the agent's tree, kills and removes what an earlier life
// left in it, and enables controllers for jobs. If systemd delegates the
// agent's group to it, the agent moves itself into the leaf "agent" of it.
// One agent at a time may use a tree. Errors wrap [ErrHost] where the host is to blame.
func Open(ctx context.Context, c Config) (*Parent, error) { return nil, errors.ErrUnsupported }

// Path is the tree's path from the root of the hierarchy.
func (p *Parent) Path() string { return "" }

// Controllers lists those enabled for jobs, sorted. The result is the caller's.
func (p *Parent) Controllers() []string { return nil }

// Job makes the group of a job. name is one path element, unique among living jobs.
func (p *Parent) Job(name string, l Limits) (*Group, error) { return nil, errors.ErrUnsupported }

// Limits of a group with all it contains. 0: no limit. Swap is never allowed
// with a memory limit.
type Limits struct {
	Memory int64   // bytes
	Pids   int64   // processes and threads
	CPUs   float64 // CPU time per time, e.g. 1.5
}

// Group is one group. It holds nothing open; its methods may be called from any goroutine.
type Group struct{}

// Path is the group's path from the root of the hierarchy, for an OCI specification.
func (g *Group) Path() string { return "" }

// Child names a group beneath g. It need not exist.
func (g *Group) Child(name string) *Group { return nil }

// Set replaces the limits. A limit of 0 is lifted.
func (g *Group) Set(l Limits) error { return errors.ErrUnsupported }

// CPU is the CPU time used by the group and all it contained.
func (g *Group) CPU() (time.Duration, error) { return 0, errors.ErrUnsupported }

// Read takes all readings.
func (g *Group) Read() (Readings, error) { return Readings{}, errors.ErrUnsupported }

// Kill ends every process in the group and beneath it and returns when none is
// left or ctx ends. A group that is gone is no error.
func (g *Group) Kill(ctx context.Context) error { return errors.ErrUnsupported }

// Remove removes the group and those beneath it, when their processes have
// ended; it waits for that until ctx ends. A group that is gone is no error.
func (g *Group) Remove(ctx context.Context) error { return errors.ErrUnsupported }

// Watch signals changes of one of the group's event files ("memory.events",
// "cgroup.events", "pids.events"). Signals that nobody takes are merged into one.
// stop ends the watch, waits for its goroutine, and closes the channel.
func (g *Group) Watch(file string) (changed <-chan struct{}, stop func(), err error) {
	return nil, nil, errors.ErrUnsupported
}
