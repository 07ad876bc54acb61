package grade

import (
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

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
	// SharedBudget makes the student containers of a job use the grading
	// container's memory. Otherwise each has its own.
	SharedBudget bool
	// Students is how many student containers a job may have at once. Default 16.
	Students int
	// Guest is a directory with ingot-init and a link to it for each command, for
	// images without INGInious' programs. "": such images cannot be used.
	Guest string
	// Images are references of images by the names of the environments that they
	// are to be, whatever their labels say.
	Images map[string]string
	// Pids is the most processes and threads of one container. Default 1024.
	Pids int64
	// OpenFiles is the limit of open files of each process. Default 1024.
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
	case c.Memory < leastMemory:
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
		c.OpenFiles = 1024
	}
	if c.MaxFrame == 0 {
		c.MaxFrame = 128 << 20
	}
	return nil
}
