package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/mcq"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/cmd/internal/runtimes"
)

// run opens what the agent stands on, in the order of dependence, serves until
// ctx ends, and closes it in the opposite order.
func run(ctx context.Context, p *app.Process[config]) (err error) {
	cfg := p.Config
	go p.RefuseReloads(ctx)
	if err := cfg.normal(); err != nil {
		return app.Usage(err)
	}
	if err := cfg.files(); err != nil {
		return app.Setting(err)
	}
	var ground stack
	defer func() { err = errors.Join(err, ground.close()) }()
	up, err := cfg.Dial(p.Log) // first: what is wrong with its flags stays wrong
	if err != nil {
		return err
	}
	ground.push(up.Close)
	reg, stop, err := app.ServeMetrics(cfg.HTTP, p.Log)
	if err != nil {
		return app.Setting(err)
	}
	ground.push(func() error { stop(); return nil })
	exec, err := executor(ctx, p, reg, &ground)
	if err != nil {
		return err
	}
	p.Ready()
	defer context.AfterFunc(ctx, p.Stopping)()
	return up.Serve(ctx, cfg.Concurrency, cfg.DrainTimeout, exec)
}

// stack is what has been opened, to be closed in the opposite order.
type stack []func() error

func (s *stack) push(f func() error) { *s = append(*s, f) }

func (s *stack) close() error {
	var errs []error
	for _, f := range slices.Backward(*s) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// executor builds what grades, and what has to be closed, which only serving does,
// last. All it stands on is pushed to ground, also when it fails.
func executor(ctx context.Context, p *app.Process[config], reg prometheus.Registerer, ground *stack) (agent.Executor, error) {
	if !p.Config.MCQ {
		return containers(ctx, p, reg, ground)
	}
	quiz, err := mcq.New(mcq.Config{Tasks: p.Config.Tasks, Metrics: reg, Log: p.Log})
	if err != nil {
		return nil, err
	}
	boxes, err := containers(ctx, p, reg, ground)
	if err != nil {
		return nil, err
	}
	return agent.Join(boxes, mcq.Environment, quiz), nil
}

// containers builds what grades in containers.
func containers(ctx context.Context, p *app.Process[config], reg prometheus.Registerer, ground *stack) (*grade.Executor, error) {
	cfg := p.Config
	files, err := cfg.openFiles()
	if err != nil {
		return nil, err
	}
	rt, err := ctrd.Connect(ctx, ctrd.Config{Address: cfg.ContainerdAddress, Namespace: cfg.Namespace, Watchdog: cfg.Watchdog, Log: p.Log})
	if err != nil {
		return nil, err
	}
	ground.push(rt.Close)
	kinds, err := cfg.Kinds(runtimes.Here(nil), p.Log)
	if err != nil {
		return nil, app.Usage(err)
	}
	groups, err := cgroups.Open(ctx, cgroups.Config{Controllers: cfg.controllers()})
	if err != nil {
		return nil, err
	}
	ground.push(groups.Close)
	spaces, err := workspace.Open(ctx, workspace.Config{
		Tasks: cfg.Tasks, State: cfg.Tmpdir, DiskBytes: cfg.DiskLimit << 20, DiskInodes: cfg.DiskFiles,
	})
	if errors.Is(err, workspace.ErrForeign) {
		err = app.Usage(fmt.Errorf("--tmpdir: %w", err))
	}
	if err != nil {
		return nil, err
	}
	ground.push(spaces.Close)
	disks, err := cfg.ioDisks()
	if err != nil {
		return nil, app.Setting(err)
	}
	programs, err := cfg.guest()
	if err != nil {
		return nil, app.Setting(err)
	}
	net, err := cfg.open(ctx, cfg.Tmpdir, p.Log)
	if err != nil {
		return nil, err
	}
	if net != nil {
		ground.push(net.Close)
	}
	settings := grade.Config{
		Runtime: rt, Workspaces: spaces, Cgroups: groups, Unlimited: cfg.Unlimited, Kinds: kinds,
		Guest: programs, Images: cfg.Environment, Owner: spaces.Path(),
		Memory: cfg.Memory << 20, MaxMemory: cfg.MaxMemory << 20, SharedBudget: cfg.SharedBudget,
		Students: cmp.Or(cfg.MaxStudents, -1), Pids: cfg.MaxPids, CPUs: cfg.MaxCPUs, IO: cfg.MaxIO << 20, Disks: disks, OpenFiles: files, Metrics: reg, Log: p.Log,
	}
	if err := cfg.grant(&settings, net); err != nil {
		return nil, err
	}
	loadPrograms(&settings, ground, p.Log)
	return grade.New(ctx, settings)
}
