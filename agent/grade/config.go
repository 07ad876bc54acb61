package grade

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/cgroups"
)

// Config is what an [Executor] is made of.
type Config struct {
	// Runtime runs the containers. Owned by the caller, who closes it after Close.
	Runtime sandbox.Runtime
	// Workspaces makes what jobs see of their courses. Owned by the caller.
	Workspaces *workspace.Dir
	// Cgroups is where jobs' groups go.
	Cgroups *cgroups.Parent
	// Unlimited runs containers without memory and process limits, for
	// development hosts whose hierarchy lacks the controllers.
	Unlimited bool
	// Kinds are the environment types to offer, at most one per type.
	Kinds []Kind
	// Owner marks this agent's containers, so that its next life finds them. It
	// must not change between lives nor be shared with another agent.
	Owner string
	// Memory is what all jobs together may reserve, in bytes. A job waits for its
	// share; its student containers do not, but others then wait for theirs.
	Memory int64
	// MaxMemory is the most, in bytes, that one container may ask for. Default Memory.
	MaxMemory int64
	// Network gives jobs their networks; nil: there are none, and jobs that need
	// one are refused. Owned by the caller, who closes it after Close.
	Network *network.Net
	// SSH offers each kind a second time, under the type for tasks that let people
	// into students' containers, and lets them do so. It needs Network.
	SSH bool
	// DebugHost is the host that people are told to connect to.
	DebugHost string
	// Debugger is for debugging graders with a debugger on this machine: every job
	// has a network, half an hour, and the machine's name (PROTOCOL.md 8.2). It
	// needs Network.
	Debugger bool
	// SharedBudget makes the student containers of a job use the grading
	// container's memory. Otherwise each has its own.
	SharedBudget bool
	// CPUs is how many CPUs a job may keep busy, its students included, for
	// example 1.5; 0: all.
	CPUs float64
	// IO is how many bytes a second a job may read, and as many write, on each of
	// Disks; 0: as many as it can. What stays in memory is not counted.
	IO    int64
	Disks []cgroups.Disk
	// Students is how many student containers a job may have at once. Default 16;
	// less than 0: none.
	Students int
	// Guest is a directory with ingot-init and a link to it for each command, for
	// images without INGInious' programs. "": such images cannot be used.
	Guest string
	// Images are references of images by the names of the environments that they
	// are to be, whatever their labels say.
	Images map[string]string
	// Guards tell jobs that have a network at once what they may not reach, and
	// count what they send; nil: only Network keeps them off this machine and off
	// each other, as it does where containers do not share the kernel. Owned by the
	// caller.
	Guards *cgroups.Guards
	// Victims names processes that were killed for want of memory; nil: nobody
	// does. Owned by the caller.
	Victims *cgroups.Victims
	// Pids is the most processes and threads of one container. Default 1024.
	Pids int64
	// OpenFiles is the limit of open files of each process of a grading container,
	// four times that of a student container's. Default 4096.
	OpenFiles uint64
	// MaxFrame is the largest frame, in bytes, that a container may send. Default 128 MiB.
	MaxFrame int
	// Metrics is where metrics are registered; nil: nowhere.
	Metrics prometheus.Registerer
	// Log must not be nil.
	Log *slog.Logger
}

func (c *Config) validate() error {
	switch {
	case c.Runtime == nil || c.Workspaces == nil || c.Cgroups == nil || c.Log == nil:
		return errors.New("grade: runtime, workspaces, cgroups and log are needed")
	case len(c.Kinds) == 0:
		return errors.New("grade: no environment type to offer")
	case c.Owner == "":
		return errors.New("grade: no owner")
	case c.Network == nil && (c.SSH || c.Debugger):
		return errors.New("grade: SSH and the debugger need a network")
	case c.Memory < LeastMemory, c.MaxMemory != 0 && c.MaxMemory < LeastMemory:
		return errors.New("grade: too little memory for any job")
	case c.MaxMemory > c.Memory:
		return errors.New("grade: one container may ask for more memory than there is")
	}
	if c.MaxMemory == 0 {
		c.MaxMemory = c.Memory
	}
	if c.Students == 0 {
		c.Students = 16
	}
	if c.Pids == 0 {
		c.Pids = 1024
	}
	if c.OpenFiles == 0 {
		c.OpenFiles = 4096
	}
	if c.MaxFrame == 0 {
		c.MaxFrame = 128 << 20
	}
	return nil
}

// offered are the kinds to offer, with those for SSH.
func (c *Config) offered() []Kind {
	all := slices.Clone(c.Kinds)
	if !c.SSH {
		return all
	}
	for _, k := range c.Kinds {
		twin := Kind{EnvType: k.Runtime.SSHEnvType, Runtime: k.Runtime}
		if !slices.ContainsFunc(all, func(known Kind) bool { return known.EnvType == twin.EnvType }) {
			all = append(all, twin)
		}
	}
	return all
}
