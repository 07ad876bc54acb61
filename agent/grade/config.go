package grade

import (
	"errors"
	"log/slog"

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
	// Memory is the most, in bytes, that one container may ask for.
	Memory int64
	// Pids is the most processes and threads of one container. Default 1024.
	Pids int64
	// OpenFiles is the limit of open files of each process. Default 1024.
	OpenFiles uint64
	// MaxFrame is the largest frame, in bytes, that a container may send. Default 128 MiB.
	MaxFrame int
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
	case c.Memory < leastMemory:
		return errors.New("grade: too little memory for any job")
	}
	if c.Pids == 0 {
		c.Pids = 1024
	}
	if c.OpenFiles == 0 {
		c.OpenFiles = 1024
	}
	if c.MaxFrame == 0 {
		c.MaxFrame = 128 << 20
	}
	return nil
}
