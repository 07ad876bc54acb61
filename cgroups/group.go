package cgroups

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrGone says that a group does not exist, or not any more.
var ErrGone = errors.New("cgroup is gone")

// Group is one group, which need not exist. It holds nothing open; its methods
// may be called from any goroutine.
type Group struct {
	mount string
	path  string
}

// Path is the group's path from the root of the hierarchy, as an OCI
// specification wants it.
func (g *Group) Path() string { return g.path }

func (g *Group) dir() string { return path.Join(g.mount, g.path) }

func (g *Group) file(name string) string { return path.Join(g.mount, g.path, name) }

// ID is the group's number in the kernel, which no other group ever has. A group
// that does not exist has none: [ErrGone].
func (g *Group) ID() (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(g.dir(), &st); err != nil {
		return 0, g.because(&os.PathError{Op: "stat", Path: g.dir(), Err: err})
	}
	return st.Ino, nil
}

// Child names a group beneath g, for example a container's. name is one path element.
func (g *Group) Child(name string) *Group {
	return &Group{mount: g.mount, path: path.Join(g.path, name)}
}

// Limits of a group with all it contains. 0: no limit. With a memory limit
// nothing is swapped out, so that going over it is an OOM kill and never a slow
// task.
type Limits struct {
	Memory int64   // bytes
	Pids   int64   // processes and threads
	CPUs   float64 // CPU time per wall-clock time, for example 1.5
	IO     int64   // bytes a second to read, and as many to write, on each of Disks
	Disks  []Disk  // that IO is for
}

// cpuPeriod is the kernel's default, in microseconds.
const cpuPeriod = 100_000

// mostPids is how many there can be. The kernel refuses to limit them to more.
const mostPids = 1 << 22

// Set replaces the limits; one that was set and is 0 now is lifted, except IO,
// which can only be replaced. A limit without its controller is an error that
// wraps [ErrHost].
func (g *Group) Set(l Limits) error {
	if l.Memory < 0 || l.Pids < 0 || l.IO < 0 || l.CPUs < 0 || math.IsNaN(l.CPUs) || l.CPUs > math.MaxInt32 {
		return fmt.Errorf("cgroups: bad limits %+v", l)
	}
	cpu, swap := "", ""
	if l.CPUs > 0 {
		// The kernel takes no quota below a millisecond.
		cpu = fmt.Sprintf("%d %d", max(1000, int64(l.CPUs*cpuPeriod)), cpuPeriod)
	}
	if l.Memory > 0 {
		swap = "0"
	}
	files := []setting{
		{"memory.swap.max", swap, false}, // not there on kernels without swap
		{"memory.max", number(l.Memory), true},
		{"pids.max", number(min(l.Pids, mostPids)), true},
		{"cpu.max", cpu, true},
	}
	for _, d := range l.Disks {
		if l.IO > 0 {
			files = append(files, setting{"io.max", fmt.Sprintf("%s rbps=%d wbps=%d", d, l.IO, l.IO), true})
		}
	}
	return g.set(files)
}

// setting is one of the kernel's files of a group and what is to be in it, "" for
// no limit. Where it must be, its absence is an error.
type setting struct {
	name, value string
	must        bool
}

func (g *Group) set(files []setting) error {
	for _, file := range files {
		must := file.must && file.value != ""
		if file.value == "" {
			file.value = "max"
		}
		err := write(g.file(file.name), file.value)
		switch {
		case errors.Is(err, os.ErrNotExist) && !g.exists():
			return fmt.Errorf("cgroups: %s: %w", g.path, ErrGone)
		case errors.Is(err, os.ErrNotExist) && must:
			return fmt.Errorf("cgroups: set %s of %s: %w", file.name, g.path, ErrHost)
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("cgroups: limit: %w", err)
		}
	}
	return nil
}

func (g *Group) exists() bool {
	_, err := os.Lstat(g.dir())
	return err == nil
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
