package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire/zmtp"
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

	// A stable identity lets a backend of ours find this agent's jobs again when
	// the connection broke; it changes with every start, as the jobs do.
	end, err := zmtp.Dial(cfg.Backend, zmtp.Config{Identity: "ingot-" + rand.Text(), Log: p.Log})
	if err != nil {
		return app.Usage(err)
	}
	defer func() { err = errors.Join(err, end.Close()) }()

	name := cfg.FriendlyName
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			return fmt.Errorf("find a name: %w", err)
		}
	}
	p.Ready()
	defer context.AfterFunc(ctx, p.Stopping)()
	return agent.Run(ctx, agent.Config{FriendlyName: name, Slots: cfg.Concurrency, Drain: cfg.DrainTimeout, Log: p.Log}, end, exec)
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
	exec, err = grade.New(ctx, grade.Config{
		Runtime: rt, Workspaces: spaces, Cgroups: groups, Unlimited: cfg.Unlimited, Kinds: kinds,
		Owner: cfg.Tmpdir, Memory: cfg.MaxMemory << 20, Pids: cfg.MaxPids, OpenFiles: files, Log: p.Log,
	})
	return exec, closeAll, err
}
