package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/distribution/reference"
	"golang.org/x/sys/unix"

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

	ContainerdAddress string `default:"/run/containerd/containerd.sock" env:"CONTAINERD_ADDRESS" help:"Socket of containerd (${default})."`
	Namespace         string `default:"ingot" help:"Namespace of images and containers in containerd (${default})."`
	runtimes.Selection

	Environment map[string]string `placeholder:"NAME=IMAGE" mapsep:"none" help:"Offer an image as this environment, whatever its labels say; repeatable."`
	Init        string            `type:"path" placeholder:"FILE" help:"ingot-init for images without INGInious' programs, such as /usr/lib/ingot/ingot-init."`

	Memory       int64         `placeholder:"MIB" help:"Memory for all jobs together; those that do not fit wait. Nine tenths of the machine's if not given."`
	MaxMemory    int64         `placeholder:"MIB" help:"The most memory one container may ask for; all of --memory if not given."`
	SharedBudget bool          `help:"Let students' containers use the memory of their grading container, not their own beside it."`
	MaxStudents  int           `default:"16" placeholder:"N" help:"Student containers of one job at a time (${default})."`
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
	if c.Concurrency < 0 || c.Memory < 0 || c.MaxMemory < 0 || c.MaxStudents < 0 || c.MaxPids < 0 || c.MaxCPUs < 0 || c.MaxIO < 0 || c.DiskLimit < 0 || c.DiskFiles < 0 || c.DrainTimeout < 0 || c.Watchdog < 0 {
		return errors.New("a limit is negative")
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.Memory == 0 {
		var info unix.Sysinfo_t
		if err := unix.Sysinfo(&info); err != nil {
			return fmt.Errorf("read the machine's memory: %w", err)
		}
		c.Memory = int64(info.Totalram) * int64(info.Unit) / 10 * 9 >> 20
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
	if c.Unlimited {
		return []string{}
	}
	return nil
}
