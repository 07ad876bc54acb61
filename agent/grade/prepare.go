package grade

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/oci"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

// prepare makes all that the grading container needs, and the container. What
// it made before an error is removed by clean.
func (j *job) prepare(ctx context.Context) error {
	params, err := j.resolve()
	if err != nil {
		return err
	}
	if j.limits, err = limitsOf(params, j.e.cfg.Memory); err != nil {
		return err
	}
	j.runCmd = params.RunCmd
	if err := j.makeSpace(ctx); err != nil {
		return err
	}
	if j.group, err = j.e.cfg.Cgroups.Job(j.id, j.groupLimits()); err != nil {
		return fmt.Errorf("make the job's cgroup: %w", err)
	}
	spec, err := j.specification()
	if err != nil {
		return err
	}
	j.box, err = j.e.cfg.Runtime.Create(ctx, sandbox.Spec{
		ID:      "ingot-" + j.id,
		Image:   j.env.image.Ref,
		Handler: sandbox.Handler{Name: j.env.kind.Runtime.Handler, Binary: j.env.kind.Runtime.Binary},
		OCI:     spec,
		Labels:  map[string]string{LabelOwner: j.e.cfg.Owner},
	})
	if err != nil {
		return refuse(err, "Cannot create the container.")
	}
	return nil
}

// resolve finds the environment and reads the task's parameters.
func (j *job) resolve() (wire.Parameters, error) {
	key := [2]string{j.spec.EnvironmentType, j.spec.Environment}
	if j.env = (*j.e.known.Load())[key]; j.env == nil {
		return wire.Parameters{}, refuse(nil, "The environment %s/%s is not available on this agent. Please contact your course administrator.", key[0], key[1])
	}
	params, err := wire.ReadParameters(j.spec.Parameters)
	if err != nil {
		return params, refuse(err, "The agent is unable to parse the parameters of the task.")
	}
	switch {
	case params.Network:
		return params, refuse(nil, "The task needs a network, which this agent does not offer.")
	case j.spec.Debug == wire.DebugSSH:
		return params, refuse(nil, "This agent does not offer SSH.")
	case len(j.env.ports) > 0:
		return params, refuse(nil, "The environment needs ports, which this agent does not offer.")
	}
	return params, nil
}

// makeSpace prepares what the job sees of its course.
func (j *job) makeSpace(ctx context.Context) (err error) {
	j.space, err = j.e.cfg.Workspaces.New(ctx, workspace.Job{ID: j.id, Course: j.spec.CourseID.Value, Task: j.spec.TaskID.Value})
	switch {
	case errors.Is(err, workspace.ErrNoTask), errors.Is(err, workspace.ErrID), errors.Is(err, workspace.ErrBadPath):
		return refuse(err, "The task is not available on this agent. Please retry later, the agents should synchronize soon.")
	case err != nil:
		return fmt.Errorf("make the workspace: %w", err)
	}
	return nil
}

// groupLimits are those of the job with all its containers. A container's own
// are in its specification.
func (j *job) groupLimits() cgroups.Limits {
	if j.e.cfg.Unlimited {
		return cgroups.Limits{}
	}
	return cgroups.Limits{Memory: j.limits.memory, Pids: j.e.cfg.Pids}
}

// specification builds the grading container's (PROTOCOL.md 4.5).
func (j *job) specification() (*specs.Spec, error) {
	etc, err := j.etc(grader)
	if err != nil {
		return nil, err
	}
	img := j.env.image.Config
	opts := []oci.Option{
		oci.FromImage(oci.Image{Env: img.Env, Entrypoint: img.Entrypoint, Cmd: img.Cmd, WorkingDir: img.WorkingDir, User: img.User}),
		oci.Env("DEBUGGER=False"),
		oci.Hostname(j.id),
		oci.Grading(oci.GradingFiles{Task: j.space.Task, Sockets: j.space.Sockets, Common: j.space.Common, Etc: etc}),
		oci.OpenFiles(j.e.cfg.OpenFiles, j.e.cfg.OpenFiles),
		oci.Cgroup(j.group.Child(grader).Path()),
		oci.Memory(j.limits.memory),
		oci.Pids(j.e.cfg.Pids),
	}
	if j.e.cfg.Unlimited {
		opts = append(opts, oci.WithoutResources())
	}
	spec, err := oci.New(nil, opts...)
	if err != nil {
		return nil, refuse(err, "Cannot create the container.")
	}
	return spec, nil
}

// etc writes the files that Docker used to provide (PROTOCOL.md 4.5).
func (j *job) etc(container string) (oci.Etc, error) {
	var e oci.Etc
	for _, f := range []struct {
		to   *string
		name string
		text string
	}{
		{&e.Hosts, "hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"},
		{&e.ResolvConf, "resolv.conf", ""},
		{&e.Hostname, "hostname", j.id + "\n"},
	} {
		path, err := j.space.File(container+"/"+f.name, []byte(f.text), 0o644)
		if err != nil {
			return e, fmt.Errorf("write %s: %w", f.name, err)
		}
		*f.to = path
	}
	return e, nil
}

// startFrame is the first frame the grading container reads (PROTOCOL.md 5.3).
func (j *job) startFrame() ([]byte, error) {
	types := map[string]bool{}
	for _, k := range j.e.cfg.Kinds {
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
