package grade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/oci"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

// graderName is the name of the grading container in its job.
const graderName = "grader"

// blueprint is what the containers of a job differ in.
type blueprint struct {
	name   string // of the container in the job
	env    *environment
	limits limits
	args   []string // nil: the image's command
	layer  string   // where it writes to its root file system; "": where the runtime likes
	opts   []oci.Option
}

// newGrader makes the grading container (PROTOCOL.md 4.5).
func (j *job) newGrader(ctx context.Context) (*box, error) {
	etc, err := j.etc(graderName, j.network)
	if err != nil {
		return nil, err
	}
	layer, err := j.space.Layer(graderName, true)
	if err != nil {
		return nil, err
	}
	debugger := "DEBUGGER=False"
	if j.e.cfg.Debugger {
		debugger = "DEBUGGER=True"
	}
	opts := append(connected(j.network), oci.Env(debugger),
		oci.Grading(oci.GradingFiles{Task: j.space.Task, Sockets: j.space.Sockets, Common: j.space.Common, Etc: etc}))
	if !j.env.kind.Runtime.SharedKernel {
		opts = append(opts, oci.Env(grading.FlowControl+"=1"))
	}
	return j.newBox(ctx, blueprint{name: graderName, env: j.env, limits: j.limits, layer: layer, opts: opts})
}

// containerID is the id of the container of that name in the job. None is the
// beginning of another, as that of s1 would be of s10: gVisor could not tell them apart.
func (j *job) containerID(name string) string { return "ingot-" + j.id + "-" + name + idEnd }

const idEnd = "-c"

// studentName is the name of the job's nth student container, from 1.
func studentName(n int) string { return fmt.Sprintf("s%d", n) }

// newBox makes a container. A box that comes with an error is to be removed.
func (j *job) newBox(ctx context.Context, p blueprint) (*box, error) {
	b := &box{
		group: j.group.Child(p.name), victims: j.e.cfg.Victims, limits: p.limits, log: j.log.With("container", p.name),
		blind: &j.e.blind, metrics: &j.e.metrics, entered: time.Now(), used: wire.ContainerUsage{Name: p.name},
	}
	var err error
	for p.env != nil {
		b.Container, err = j.contain(ctx, p, b.group.Path())
		if b.Container != nil || !errors.Is(err, sandbox.ErrNoImage) {
			break
		}
		p.env = j.e.renewed(ctx, p.env) // images are exchanged while jobs wait
	}
	switch {
	case err == nil:
		b.passed("creating")
		return b, nil
	case errors.Is(err, sandbox.ErrNoImage):
		err = refuse(err, "The image of the environment is unknown to this agent. Please contact your course administrator.")
	default:
		err = refuse(err, "Cannot create the container.")
	}
	if b.Container == nil {
		return nil, err
	}
	return b, err
}

// contain has the runtime make a container, in a cgroup of that path.
func (j *job) contain(ctx context.Context, p blueprint, group string) (sandbox.Container, error) {
	spec, err := j.specification(p, group)
	if err != nil {
		return nil, err
	}
	return j.e.cfg.Runtime.Create(ctx, sandbox.Spec{
		ID:      j.containerID(p.name),
		Image:   p.env.image.Ref,
		ImageID: p.env.image.ID, // whose configuration the specification has
		Handler: p.env.kind.handler(),
		OCI:     spec,
		Devices: p.env.kind.Runtime.Devices,
		Labels:  map[string]string{LabelOwner: j.e.cfg.Owner},
		Layer:   p.layer,
	})
}

func (j *job) specification(p blueprint, group string) (*specs.Spec, error) {
	args, image := p.env.process(p.args)
	opts := []oci.Option{
		oci.FromImage(image),
		oci.Hostname(j.id),
		oci.OpenFiles(j.e.cfg.OpenFiles, j.e.cfg.OpenFiles),
		oci.Cgroup(group),
		oci.Memory(p.limits.memory),
		oci.Pids(j.e.cfg.Pids),
	}
	opts = append(opts, p.opts...)
	if p.env.injected {
		opts = append(opts, oci.BindReadOnly(j.e.cfg.Guest, guestDir))
	}
	if j.e.cfg.Unlimited {
		opts = append(opts, oci.WithoutResources())
	}
	return oci.New(args, opts...)
}

// etc writes the files that Docker used to provide (PROTOCOL.md 4.5), for a
// container in that network; nil is none.
func (j *job) etc(container string, a *network.Attachment) (oci.Etc, error) {
	var e oci.Etc
	at := placeOf(a, j.e.cfg.Debugger)
	for _, f := range []struct {
		to   *string
		name string
		text string
	}{
		{&e.Hosts, "hosts", at.hosts(j.id)},
		{&e.ResolvConf, "resolv.conf", at.resolvConf()},
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
