package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/distribution/reference"
	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/guest"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/cmd/internal/runtimes"
	"github.com/ingot-grading/ingot/cmd/internal/uplink"
)

// config is the command line: PROTOCOL.md 8.2 where it applies to containerd,
// and our own.
type config struct {
	app.Flags
	uplink.Connection

	Concurrency int    `placeholder:"N" help:"Jobs at a time; the number of CPUs if not given."`
	Tasks       string `type:"path" default:"./tasks" help:"Directory of courses (${default})."`
	Tmpdir      string `type:"path" default:"./agent_data" help:"Directory for running jobs, for this agent alone (${default})."`

	ContainerdAddress string `default:"/run/containerd/containerd.sock" env:"INGINIOUS_AGENT_CONTAINERD_CONTAINERD_ADDRESS,CONTAINERD_ADDRESS" help:"Socket of containerd (${default})."`
	Namespace         string `default:"ingot" help:"Namespace of images and containers in containerd (${default})."`
	runtimes.Selection

	Environment map[string]string `placeholder:"NAME=IMAGE" mapsep:";" help:"Offer an image as this environment, whatever its labels say; repeatable, or several joined by semicolons."`
	Init        string            `type:"path" placeholder:"FILE" help:"ingot-init for images without INGInious' programs, such as /usr/lib/ingot/ingot-init."`

	Memory       int64         `placeholder:"MIB" help:"Memory for all jobs together; those that do not fit wait. Nine tenths of the machine's if not given."`
	MaxMemory    int64         `placeholder:"MIB" help:"The most memory one container may ask for; all of --memory if not given."`
	SharedBudget bool          `help:"Let students' containers use the memory of their grading container, not their own beside it."`
	MaxStudents  int           `default:"16" placeholder:"N" help:"Student containers of one job at a time; 0: none (${default})."`
	MaxPids      int64         `default:"1024" placeholder:"N" help:"Processes and threads of one container (${default})."`
	MaxCPUs      float64       `name:"max-cpus" placeholder:"N" help:"CPUs that one job may keep busy with its students, as 1.5; all if not given."`
	MaxIO        int64         `name:"max-io" placeholder:"MIB" help:"MiB a second that one job may read, and as much write, on the disks of --tmpdir and --io-disk; no limit if not given."`
	IODisk       []string      `name:"io-disk" type:"path" default:"/var/lib/containerd" placeholder:"DIR" help:"Directory whose disk --max-io is for too; repeatable (${default})."`
	DiskLimit    int64         `default:"1024" placeholder:"MIB" help:"What one job may write to disk: so much to its task and by its students, and as much by its grading container. 0: without limit (${default})."`
	DiskFiles    int64         `placeholder:"N" help:"How many files that may be; one for every 8 KiB if not given."`
	Watchdog     time.Duration `default:"1m" help:"How long one step of a container, such as its creation, may take before it is given up (${default})."`
	DrainTimeout time.Duration `default:"0s" help:"On SIGTERM running jobs may go on for so long before they end with a result (${default})."`

	networkFlags

	MCQ bool `name:"mcq" help:"Grade multiple choice and match problems too, as inginious-agent-mcq does. Such a job takes one of the --concurrency places for the microseconds that it lasts."`

	HTTP string `name:"http" placeholder:"ADDR" help:"Serve metrics here, as 127.0.0.1:2081."`

	Unlimited bool `help:"Run containers without memory and process limits. For development hosts only: students can take the machine down."`
}

// normal fills in what depends on the machine and refuses what cannot work.
func (c *config) normal() error {
	if c.Concurrency == 0 {
		c.Concurrency = runtime.NumCPU()
	}
	if err := errors.Join(c.bounds(), c.check()); err != nil {
		return err
	}
	if c.Memory == 0 {
		var info unix.Sysinfo_t
		if err := unix.Sysinfo(&info); err != nil {
			return fmt.Errorf("read the machine's memory: %w", err)
		}
		c.Memory = int64(info.Totalram) * int64(info.Unit) / 10 * 9 >> 20
	}
	if err := c.shares(); err != nil {
		return err
	}
	if err := ctrd.CheckNamespace(cmp.Or(c.Namespace, "ingot")); err != nil {
		return fmt.Errorf("--namespace: %w", err)
	}
	for name, ref := range c.Environment {
		full, err := reference.ParseDockerRef(ref)
		if err != nil {
			return fmt.Errorf("--environment %s=%s: %w", name, ref, err)
		}
		c.Environment[name] = full.String()
	}
	return nil
}

// files refuses to grade without tasks, or with what is no ingot-init, as each job
// would end with a crash, and to make its own directory of a file.
func (c *config) files() error {
	if c.Init != "" {
		if err := guest.CheckProgram(c.Init); err != nil {
			return fmt.Errorf("--init: %w", err)
		}
	}
	if err := checkDir(c.Tmpdir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--tmpdir: %w", err)
	}
	if err := checkDir(c.Tasks); err != nil {
		return fmt.Errorf("--tasks: %w", err)
	}
	return nil
}

func checkDir(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no directory", path)
	}
	return nil
}

// The most that limits may be: MiB that are still bytes, processes that the
// kernel has numbers for, CPUs that it can count the time of.
const (
	mostMiB  = 1 << 40
	mostPids = 1 << 22
	mostCPUs = 1 << 20
)

// bounds refuses limits with which every job would fail.
func (c *config) bounds() error {
	switch {
	case min(int64(c.Concurrency), c.Memory, c.MaxMemory, int64(c.MaxStudents), c.MaxPids, c.MaxIO, c.DiskLimit, c.DiskFiles) < 0,
		min(c.DrainTimeout, c.Watchdog) < 0:
		return errors.New("a limit is negative")
	case max(c.Memory, c.MaxMemory, c.MaxIO, c.DiskLimit) > mostMiB:
		return fmt.Errorf("a limit is over %d MiB", int64(mostMiB))
	case c.MaxPids > mostPids:
		return fmt.Errorf("--max-pids is over %d", mostPids)
	case !(c.MaxCPUs >= 0 && c.MaxCPUs <= mostCPUs): // nor is NaN
		return fmt.Errorf("--max-cpus is not between 0 and %d", mostCPUs)
	}
	return nil
}

// shares refuses memory that no job fits into, once it is known how much there is.
func (c *config) shares() error {
	const least = grade.LeastMemory >> 20
	switch {
	case c.Memory < least:
		return fmt.Errorf("--memory %d: a container has at least %d MiB", c.Memory, least)
	case c.MaxMemory != 0 && c.MaxMemory < least:
		return fmt.Errorf("--max-memory %d: a container has at least %d MiB", c.MaxMemory, least)
	case c.MaxMemory > c.Memory:
		return fmt.Errorf("--max-memory %d: all jobs together have %d MiB, see --memory", c.MaxMemory, c.Memory)
	}
	return nil
}

// ioDisks are the disks that --max-io is for, each once.
func (c *config) ioDisks() (all []cgroups.Disk, err error) {
	if c.MaxIO == 0 {
		return nil, nil
	}
	for _, dir := range append([]string{c.Tmpdir}, c.IODisk...) {
		disk, err := cgroups.DiskOf(dir)
		if err != nil {
			return nil, fmt.Errorf("--max-io: %w", err)
		}
		if !slices.Contains(all, disk) {
			all = append(all, disk)
		}
	}
	return all, nil
}

// openFiles is what each process of a container may open: a share of what this
// process may, so that no job can starve another (PROTOCOL.md 4.5).
func (c *config) openFiles() (uint64, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	return max(64, min(l.Max, 1<<20)/uint64(c.Concurrency)), nil
}

// controllers are those without which the agent must not start; nil: the usual ones.
func (c *config) controllers() []string {
	switch {
	case c.Unlimited:
		return []string{}
	case c.MaxIO > 0: // or each job would fail at its limit
		return []string{"cpu", "io", "memory", "pids"}
	}
	return nil
}
