package cgroups

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrInUse says that another agent uses the tree.
var ErrInUse = errors.New("cgroup tree is in use by another agent")

// Config says where the groups of jobs go.
type Config struct {
	Mount string // of cgroup2; "": found in /proc/self/mountinfo
	Name  string // of our tree at the root, where systemd delegates none to us; "": "ingot"
	// Controllers without which Open fails; nil: cpu, memory and pids. Empty
	// but not nil: none, for development hosts. Others are used if there.
	Controllers []string
}

// Parent is the tree that the agent owns.
type Parent struct {
	group       *Group
	controllers []string // enabled for jobs, sorted
	lock        *os.File
}

var (
	needed = []string{"cpu", "memory", "pids"}
	useful = []string{"cpu", "io", "memory", "pids"}
)

// Open finds or makes the agent's tree, kills and removes what an earlier life
// left in it until ctx ends, and enables controllers for jobs. If systemd
// delegates its group to the agent, the agent moves itself and whatever runs in
// that group into its leaf "agent", which then runs before the jobs. The tree is
// locked until Close. Errors wrap [ErrHost] where the host is to blame and
// [ErrInUse] if another agent has it.
func Open(ctx context.Context, c Config) (*Parent, error) {
	at, err := findPlace(c.Mount)
	if err != nil {
		return nil, err
	}
	p, err := open(ctx, at, c)
	if err != nil {
		return nil, fmt.Errorf("cgroups: %w", err)
	}
	return p, nil
}

func open(ctx context.Context, at place, c Config) (_ *Parent, err error) {
	if c.Controllers == nil {
		c.Controllers = needed
	}
	above, name := "/", c.Name
	if name == "" {
		name = "ingot"
	}
	if base, ok := delegated(at); ok {
		above, name = base, "jobs"
	}
	if !element(name) {
		return nil, fmt.Errorf("bad name %q", name)
	}
	if above != "/" {
		if err := makeRoom(path.Join(at.mount, above)); err != nil {
			return nil, fmt.Errorf("leave %s: %w", above, err)
		}
	}
	p := &Parent{group: &Group{mount: at.mount, path: path.Join(above, name)}}
	if err := os.Mkdir(p.group.dir(), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("make tree: %w", err)
	}
	if p.lock, err = lock(p.group.dir()); err != nil {
		return nil, fmt.Errorf("lock %s: %w", p.group.path, err)
	}
	defer func() {
		if err != nil {
			p.lock.Close()
		}
	}()
	if err := p.sweep(ctx); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	if err := p.enable(path.Join(at.mount, above), c.Controllers, at.v1); err != nil {
		return nil, err
	}
	if above != "/" {
		// The agent stops jobs that keep every CPU busy, so it goes before them.
		// Without the cpu controller there is no such file, and it works all the same.
		_ = write(path.Join(at.mount, above, leaf, "cpu.weight"), "10000")
	}
	return p, nil
}

// Close unlocks the tree and, if no job is left in it, removes it.
func (p *Parent) Close() error {
	err := unix.Rmdir(p.group.dir())
	if errors.Is(err, unix.EBUSY) || err != nil && gone(err) {
		err = nil
	}
	return errors.Join(err, p.lock.Close())
}

// Path is the tree's path from the root of the hierarchy.
func (p *Parent) Path() string { return p.group.path }

// CPUs is how many CPUs jobs may use at once, 0 if the hierarchy does not say.
// Where the controller was not passed on, it is the next group above that does.
func (p *Parent) CPUs() int {
	for at := p.group.path; ; at = path.Dir(at) {
		b, err := os.ReadFile(path.Join(p.group.mount, at, "cpuset.cpus.effective"))
		if err == nil {
			return countCPUs(strings.TrimSpace(string(b)))
		}
		if at == "/" {
			return 0
		}
	}
}

// Job makes the group of a job with limits l. name is one path element, unique
// among living jobs. The caller must Remove the group.
func (p *Parent) Job(name string, l Limits) (*Group, error) {
	if !element(name) {
		return nil, fmt.Errorf("cgroups: bad name %q", name)
	}
	g := p.group.Child(name)
	if err := os.Mkdir(g.dir(), 0o755); err != nil {
		return nil, fmt.Errorf("cgroups: make group: %w", err)
	}
	err := enable(g.dir(), p.controllers)
	if err == nil {
		err = g.Set(l)
	}
	if err != nil {
		_ = os.Remove(g.dir()) // empty and new; what matters is the first error
		return nil, fmt.Errorf("cgroups: make group %s: %w", g.path, err)
	}
	return g, nil
}

func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return f, nil
}

// sweep ends and removes all groups in the tree.
func (p *Parent) sweep(ctx context.Context) error {
	entries, err := os.ReadDir(p.group.dir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		g := p.group.Child(e.Name())
		if err := g.Kill(ctx); err != nil {
			return err
		}
		if err := g.Remove(ctx); err != nil {
			return err
		}
	}
	return nil
}

// enable passes controllers on from above to the tree, and from the tree to jobs.
func (p *Parent) enable(above string, required []string, v1 bool) error {
	have, err := words(path.Join(above, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, c := range required {
		if slices.Contains(have, c) {
			continue
		}
		if v1 {
			return fmt.Errorf("%w: the controller %s belongs to cgroup version 1; "+
				"boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all", ErrHost, c)
		}
		return fmt.Errorf("%w: no controller %s in %s", ErrHost, c, above)
	}
	for _, c := range slices.Sorted(slices.Values(slices.Concat(required, useful))) {
		if !slices.Contains(have, c) || slices.Contains(p.controllers, c) {
			continue
		}
		err := enable(above, []string{c})
		if err == nil {
			err = enable(p.group.dir(), []string{c})
		}
		if err == nil {
			p.controllers = append(p.controllers, c)
		} else if slices.Contains(required, c) {
			return fmt.Errorf("%w: enable controller %s: %w", ErrHost, c, err)
		}
	}
	return nil
}

// enable makes controllers available to the children of dir.
func enable(dir string, controllers []string) error {
	if len(controllers) == 0 {
		return nil
	}
	return write(path.Join(dir, "cgroup.subtree_control"), "+"+strings.Join(controllers, " +"))
}

// element reports whether name can be a group's: one path element that is no
// file of the kernel's, all of which have a dot.
func element(name string) bool {
	return name != "" && len(name) <= 200 && !strings.ContainsAny(name, "/.\n\x00")
}
