package cgroups

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Readings of a group with all that it contains and ever contained. What the
// host does not tell is 0.
type Readings struct {
	CPU        CPU
	Memory     int64        // bytes in use now, with page cache and tmpfs
	MemoryPeak int64        // most bytes ever in use; kernels before 5.19 do not tell
	OOM        MemoryEvents // of the group and all beneath it
	Pids       int64        // processes and threads now
	PidsPeak   int64        // most of them at a time; older kernels do not tell
	PidsDenied int64        // forks refused by the group's own limit, or on newer kernels one beneath it
	IO         IO           // of block devices
}

// CPU is CPU time used, on all CPUs together.
type CPU struct {
	Usage, User, System time.Duration
	Throttled           time.Duration // kept waiting by a CPU limit
}

// MemoryEvents counts what happened at memory limits.
type MemoryEvents struct {
	Max        int64 // a limit was reached and memory had to be freed
	OOM        int64 // memory could not be freed
	Kills      int64 // processes killed for it
	GroupKills int64 // groups killed as a whole; kernels before 5.17 do not tell
}

// IO sums over all devices.
type IO struct {
	ReadBytes, WrittenBytes int64
	Reads, Writes           int64
}

// CPU is the CPU time used by the group and all it contained. It is cheap.
func (g *Group) CPU() (time.Duration, error) {
	c, err := readCPU(os.DirFS(g.dir()))
	return c.Usage, g.because(err)
}

// Read takes all readings. They are not of one instant.
func (g *Group) Read() (Readings, error) {
	r, err := read(os.DirFS(g.dir()))
	return r, g.because(err)
}

func (g *Group) because(err error) error {
	switch {
	case err == nil:
		return nil
	case gone(err):
		return fmt.Errorf("cgroups: %s: %w", g.path, ErrGone)
	}
	return fmt.Errorf("cgroups: read %s: %w", g.path, err)
}

// readCPU finds cpu.stat in every group, whatever its controllers: without it
// the group is gone.
func readCPU(group fs.FS) (CPU, error) {
	var us struct{ usage, user, system, throttled int64 }
	err := parse(group, "cpu.stat", func(r io.Reader) error {
		return parseFlat(r, map[string]*int64{
			"usage_usec": &us.usage, "user_usec": &us.user, "system_usec": &us.system, "throttled_usec": &us.throttled,
		})
	})
	return CPU{Usage: usec(us.usage), User: usec(us.user), System: usec(us.system), Throttled: usec(us.throttled)}, err
}

func read(group fs.FS) (r Readings, err error) {
	if r.CPU, err = readCPU(group); err != nil {
		return Readings{}, err
	}
	value := func(v *int64) func(io.Reader) error {
		return func(r io.Reader) (err error) {
			*v, err = parseValue(r)
			return err
		}
	}
	flat := func(keys map[string]*int64) func(io.Reader) error {
		return func(r io.Reader) error { return parseFlat(r, keys) }
	}
	for _, f := range []struct {
		name string
		with func(io.Reader) error
	}{
		{"memory.current", value(&r.Memory)},
		{"memory.peak", value(&r.MemoryPeak)},
		{"memory.events", flat(map[string]*int64{
			"max": &r.OOM.Max, "oom": &r.OOM.OOM, "oom_kill": &r.OOM.Kills, "oom_group_kill": &r.OOM.GroupKills,
		})},
		{"pids.current", value(&r.Pids)},
		{"pids.peak", value(&r.PidsPeak)},
		{"pids.events", flat(map[string]*int64{"max": &r.PidsDenied})},
		{"io.stat", func(in io.Reader) (err error) {
			r.IO, err = parseIO(in)
			return err
		}},
	} {
		// A file that is missing, unlike one whose group went away while it was
		// open, means a controller or a kernel without it.
		if err := parse(group, f.name, f.with); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Readings{}, err
		}
	}
	return r, nil
}

func parse(group fs.FS, name string, with func(io.Reader) error) error {
	f, err := group.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := with(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
