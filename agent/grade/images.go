package grade

import (
	"context"
	"fmt"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

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
		if old := e.offer(c); !c.same(old.catalogue) {
			e.log.Info("environments changed", "count", len(c))
			select {
			case e.changed <- struct{}{}:
			default: // a signal is waiting already
			}
		}
	}
}

// offering is a catalogue while it is true.
type offering struct {
	catalogue
	over chan struct{} // closed when there is another one
}

// offer makes c what can be graded in from now on, and returns what was before: nil
// at the start. Where nothing can be, the agent would be there and get no job.
func (e *Executor) offer(c catalogue) (old *offering) {
	old = e.known.Swap(&offering{c, make(chan struct{})})
	if old != nil {
		close(old.over)
	}
	if len(c) == 0 && (old == nil || len(old.catalogue) > 0) {
		e.log.Warn("nothing to offer: no image can be graded in", "label", labelName)
	}
	return old
}

// find returns nil for an environment that is not offered.
func (e *Executor) find(envType, name string) *environment {
	return e.known.Load().catalogue[[2]string{envType, name}]
}

// renewal is how long the catalogue may take to hear of an image that was exchanged.
const renewal = 2 * time.Second

// renewed returns the environment with the image that came for the one it has, which
// is not there any more; nil if there is none.
func (e *Executor) renewed(ctx context.Context, env *environment) *environment {
	ctx, done := context.WithTimeout(ctx, renewal)
	defer done()
	for {
		known := e.known.Load()
		now := known.catalogue[[2]string{env.kind.EnvType, env.name}]
		if now == nil || now.image.ID != env.image.ID || now.image.Ref != env.image.Ref {
			return now
		}
		select {
		case <-known.over:
		case <-ctx.Done():
			return nil
		}
	}
}
