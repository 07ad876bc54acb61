package grade

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/wire"
)

// LabelOwner marks the containers of an agent with its owner.
const LabelOwner = "ingot.owner"

// Executor grades jobs in containers. It implements [agent.Executor].
type Executor struct {
	cfg      Config
	log      *slog.Logger
	known    atomic.Pointer[catalogue]
	changed  chan struct{}
	memory   pool
	metrics  metrics
	cleaning sync.WaitGroup
	stop     context.CancelCauseFunc
}

// New removes what an earlier life of the owner left in the runtime, and finds
// the images to grade in. The caller must Close the executor.
func New(ctx context.Context, cfg Config) (*Executor, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	e := &Executor{cfg: cfg, log: cfg.Log, changed: make(chan struct{}, 1), memory: pool{size: cfg.Memory}}
	if err := e.register(); err != nil {
		return nil, err
	}
	n, err := cfg.Runtime.Sweep(ctx, map[string]string{LabelOwner: cfg.Owner})
	if err != nil {
		return nil, fmt.Errorf("grade: remove leftovers: %w", err)
	}
	if n > 0 {
		e.log.Warn("removed containers of an earlier life", "count", n)
	}
	c, err := e.list(ctx)
	if err != nil {
		return nil, err
	}
	e.known.Store(&c)
	watching, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	e.stop = stop
	e.cleaning.Go(func() { e.watchImages(watching) })
	return e, nil
}

// list makes the catalogue of what can be graded in now.
func (e *Executor) list(ctx context.Context) (catalogue, error) {
	label := labelName
	if len(e.cfg.Images) > 0 {
		label = ""
	}
	images, err := e.cfg.Runtime.Images(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("grade: list images: %w", err)
	}
	c := newCatalogue(images, e.cfg, func(img sandbox.Image, err error) {
		e.log.Warn("image skipped", "image", img.Ref, "err", err)
	})
	if e.cfg.Network == nil {
		for _, env := range c.withoutPorts() {
			e.log.Warn("environment not offered: it needs ports, and there is no network", "type", env.kind.EnvType, "name", env.name)
		}
	}
	return c, nil
}

// watchImages keeps the catalogue true until ctx ends.
func (e *Executor) watchImages(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.cfg.Runtime.Changes():
		}
		c, err := e.list(ctx)
		if err != nil {
			e.log.Error("images not listed", "err", err)
			continue
		}
		if old := e.known.Swap(&c); !c.same(*old) {
			e.log.Info("environments changed", "count", len(c))
			select {
			case e.changed <- struct{}{}:
			default: // a signal is waiting already
			}
		}
	}
}

// Environments implements [agent.Executor].
func (e *Executor) Environments() []wire.Environment { return e.known.Load().announce() }

// Changed implements [agent.Executor].
func (e *Executor) Changed() <-chan struct{} { return e.changed }

// Run implements [agent.Executor].
func (e *Executor) Run(ctx context.Context, spec agent.Job, up agent.Uplink) wire.Result {
	j := e.newJob(spec, up)
	defer func() { e.cleaning.Go(j.clean) }() // also if there is a panic below
	res := j.grade(ctx)
	j.moveTo(Reported)
	e.metrics.job(res.Status, j.used)
	if wire.WantsUsage(spec.InputData) {
		res.Custom = wire.WithUsage(res.Custom, j.used)
	}
	return res
}

// Close implements [agent.Executor].
func (e *Executor) Close(ctx context.Context) error {
	e.stop(agent.ErrStopping)
	clean := make(chan struct{})
	go func() {
		e.cleaning.Wait()
		close(clean)
	}()
	select {
	case <-clean:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("grade: clean-up still runs: %w", context.Cause(ctx))
	}
}
