package grade

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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

// flaw is why something is not offered.
type flaw struct{ what, why string }

// list makes the catalogue of what can be graded in now. Of what cannot it says
// only what is new, as it is called at every change of any image.
func (e *Executor) list(ctx context.Context) (catalogue, error) {
	label := labelName
	if len(e.cfg.Images) > 0 {
		label = ""
	}
	images, err := e.cfg.Runtime.Images(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("grade: list images: %w", err)
	}
	found := map[flaw]bool{}
	fresh := func(what, why string) bool {
		f := flaw{what, why}
		found[f] = true
		return !e.flaws[f]
	}
	c := newCatalogue(images, e.cfg, func(img sandbox.Image, err error) {
		if fresh(img.Ref, err.Error()) {
			e.log.Warn("image skipped", "image", img.Ref, "err", err)
		}
	})
	if e.cfg.Network == nil {
		for _, env := range c.withoutPorts() {
			if fresh(env.kind.EnvType+"/"+env.name, "ports") {
				e.log.Warn("environment not offered: it needs ports, and there is no network", "type", env.kind.EnvType, "name", env.name)
			}
		}
	}
	e.flaws = found
	return c, nil
}

// relist is when images are listed again that could not be: nobody may signal
// another change.
const relist = 10 * time.Second

// watchImages keeps the catalogue true until ctx ends.
func (e *Executor) watchImages(ctx context.Context) {
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.cfg.Runtime.Changes():
		case <-again:
		}
		again = nil
		c, err := e.list(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			e.log.Error("images not listed", "err", err, "again", relist)
			again = time.After(relist)
			continue
		}
		if old := e.offer(c); !c.same(*old) {
			e.log.Info("environments changed", "count", len(c))
			select {
			case e.changed <- struct{}{}:
			default: // a signal is waiting already
			}
		}
	}
}

// offer makes c what can be graded in from now on, and returns what was before: nil
// at the start. Where nothing can be, the agent would be there and get no job.
func (e *Executor) offer(c catalogue) (old *catalogue) {
	old = e.known.Swap(&c)
	if len(c) == 0 && (old == nil || len(*old) > 0) {
		e.log.Warn("nothing to offer: no image can be graded in", "label", labelName)
	}
	return old
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
