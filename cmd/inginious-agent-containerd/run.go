package main

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/cmd/internal/app"
)

// run opens what the agent stands on, in the order of dependence, serves until
// ctx ends, and closes it in the opposite order.
func run(ctx context.Context, p *app.Process[config]) (err error) {
	cfg := p.Config
	if err := cfg.normal(); err != nil {
		return app.Usage(err)
	}
	exec, closeExec, err := executor(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeExec()) }()

	up, err := cfg.Dial(p.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, up.Close()) }()

	p.Ready()
	defer context.AfterFunc(ctx, p.Stopping)()
	return up.Serve(ctx, cfg.Concurrency, cfg.DrainTimeout, exec)
}

// executor builds what grades. The returned function closes all it stands on.
func executor(ctx context.Context, p *app.Process[config]) (exec *grade.Executor, closeAll func() error, err error) {
	cfg := p.Config
	var open []func() error
	closeAll = func() error {
		var errs []error
		for i := len(open) - 1; i >= 0; i-- {
			errs = append(errs, open[i]())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll())
		}
	}()
	kinds, err := cfg.kinds()
	if err != nil {
		return nil, nil, app.Usage(err)
	}
	files, err := cfg.openFiles()
	if err != nil {
		return nil, nil, err
	}
	rt, err := ctrd.Connect(ctx, ctrd.Config{Address: cfg.ContainerdAddress, Namespace: cfg.Namespace, Log: p.Log})
	if err != nil {
		return nil, nil, err
	}
	open = append(open, rt.Close)
	groups, err := cgroups.Open(ctx, cgroups.Config{Controllers: cfg.controllers()})
	if err != nil {
		return nil, nil, err
	}
	open = append(open, groups.Close)
	spaces, err := workspace.Open(ctx, workspace.Config{Tasks: cfg.Tasks, State: cfg.Tmpdir, DiskBytes: cfg.DiskLimit << 20})
	if err != nil {
		return nil, nil, err
	}
	open = append(open, spaces.Close)
	programs, err := cfg.guest()
	if err != nil {
		return nil, nil, err
	}
	reg := prometheus.NewRegistry()
	stop, err := app.ServeHTTP(cfg.HTTP, promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), p.Log)
	if err != nil {
		return nil, nil, app.Usage(err)
	}
	open = append(open, func() error { stop(); return nil })
	exec, err = grade.New(ctx, grade.Config{
		Runtime: rt, Workspaces: spaces, Cgroups: groups, Unlimited: cfg.Unlimited, Kinds: kinds,
		Guest: programs, Images: cfg.Environment, Owner: cfg.Tmpdir,
		Memory: cfg.Memory << 20, MaxMemory: cfg.MaxMemory << 20, SharedBudget: cfg.SharedBudget,
		Students: cfg.MaxStudents, Pids: cfg.MaxPids, OpenFiles: files, Metrics: reg, Log: p.Log,
	})
	return exec, closeAll, err
}
