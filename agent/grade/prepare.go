package grade

import (
	"context"
	"errors"
	"fmt"

	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

// resolve finds the environment and reads the task's parameters.
func (j *job) resolve() error {
	if j.env = j.e.find(j.spec.EnvironmentType, j.spec.Environment); j.env == nil {
		return refuse(nil, "The environment %s/%s is not available on this agent. Please contact your course administrator.",
			j.spec.EnvironmentType, j.spec.Environment)
	}
	params, err := wire.ReadParameters(j.spec.Parameters)
	if err != nil {
		return refuse(err, "The agent is unable to parse the parameters of the task.")
	}
	if j.access, err = j.e.cfg.accessOf(j.env, params, j.spec.Debug); err != nil {
		return err
	}
	j.runCmd = params.RunCmd
	if j.limits, err = limitsOf(params, j.e.cfg.MaxMemory); err != nil {
		return err
	}
	j.limits = j.e.cfg.extend(j.limits, j.access)
	return nil
}

// prepare makes all that the grading container needs, and the container. What
// it made before an error is removed by clean.
func (j *job) prepare(ctx context.Context) error {
	if err := j.makeSpace(ctx); err != nil {
		return err
	}
	var err error
	if j.group, err = j.e.cfg.Cgroups.Job(j.id, j.groupLimits(0, 0)); err != nil {
		return fmt.Errorf("make the job's cgroup: %w", err)
	}
	if err := j.join(ctx); err != nil {
		return err
	}
	j.grader, err = j.newGrader(ctx)
	return err
}

// makeSpace prepares what the job sees of its course.
func (j *job) makeSpace(ctx context.Context) (err error) {
	j.space, err = j.e.cfg.Workspaces.New(ctx, workspace.Job{ID: j.id, Course: j.spec.CourseID.Value, Task: j.spec.TaskID.Value})
	switch {
	case errors.Is(err, workspace.ErrNoTask), errors.Is(err, workspace.ErrID), errors.Is(err, workspace.ErrBadPath):
		return refuse(err, "The task is not available on this agent. Please retry later, the agents should synchronize soon.")
	case err != nil:
		return refuse(err, "Cannot make the directory of the job.")
	case j.space.Copied:
		j.log.Debug("no overlay of the task: its files were copied")
	}
	return nil
}

// groupLimits are those of the job with so many student containers of so much
// memory together. A container's own limits are in its specification.
func (j *job) groupLimits(memory, students int64) cgroups.Limits {
	if j.e.cfg.Unlimited {
		return cgroups.Limits{}
	}
	if j.e.cfg.SharedBudget {
		memory = 0
	}
	cfg := &j.e.cfg
	return cgroups.Limits{
		Memory: j.limits.memory + memory, Pids: cfg.Pids * (1 + students), CPUs: cfg.CPUs, IO: cfg.IO, Disks: cfg.Disks,
	}
}

// startFrame is the first frame the grading container reads (PROTOCOL.md 5.3).
func (j *job) startFrame() ([]byte, error) {
	types := map[string]bool{}
	for _, k := range j.e.cfg.offered() {
		types[k.EnvType] = k.Runtime.SharedKernel
	}
	frame, err := grading.Append(nil, &grading.Start{
		Input: j.spec.InputData, Debug: j.spec.Debug, EnvTypes: types, RunCmd: j.runCmd, SharedKernel: j.env.kind.Runtime.SharedKernel,
	})
	if err != nil {
		return nil, refuse(err, "The submission cannot be passed to the grader.")
	}
	return frame, nil
}
