package grade

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
)

// LabelOwner marks the containers of an agent with its owner.
const LabelOwner = "ingot.owner"

// Executor grades jobs in containers. It implements [agent.Executor].
type Executor struct {
	cfg      Config
	log      *slog.Logger
	known    atomic.Pointer[offering]
	changed  chan struct{}
	flaws    map[flaw]bool // of images, as listed last: New's, then of watchImages
	memory   pool
	metrics  metrics
	blind    sync.Once // says that containers have no groups
	cleaning sync.WaitGroup
	stop     context.CancelCauseFunc
	closing  <-chan struct{} // closed by stop
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
	e.offer(c)
	watching, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	e.stop, e.closing = stop, watching.Done()
	e.cleaning.Go(func() { e.watchImages(watching) })
	return e, nil
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
	j.tell(res.Status)
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
