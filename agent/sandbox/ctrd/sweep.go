package ctrd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// sweepers is how many containers Sweep removes at once.
const sweepers = 8

// Sweep implements [sandbox.Runtime]. It goes on after a failure; the error has all.
func (r *Runtime) Sweep(ctx context.Context, labels map[string]string) (int, error) {
	if len(labels) == 0 {
		return 0, fmt.Errorf("sweep: %w: no labels", sandbox.ErrBadRequest)
	}
	records, err := r.records.List(ctx, filter(labels))
	if err != nil {
		return 0, fmt.Errorf("sweep: list containers: %w", classify(err))
	}
	var (
		wg    sync.WaitGroup
		slots = make(chan struct{}, sweepers)
		errs  = make([]error, len(records))
	)
	for i, rec := range records {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = r.sweep(ctx, rec.ID)
		})
	}
	wg.Wait()
	done := len(errs)
	for _, e := range errs {
		if e != nil {
			done--
		}
	}
	return done, errors.Join(errs...)
}

// filter is containerd's for containers with all of labels. A comma is its "and".
func filter(labels map[string]string) string {
	var terms []string
	for k, v := range labels {
		terms = append(terms, "labels."+strconv.Quote(k)+"=="+strconv.Quote(v))
	}
	slices.Sort(terms)
	return strings.Join(terms, ",")
}

// sweep removes one container, of this life or an earlier one.
func (r *Runtime) sweep(ctx context.Context, id string) error {
	if c := r.find(id); c != nil {
		return c.Delete(ctx)
	}
	if err := r.sweepTask(ctx, id); err != nil {
		return fmt.Errorf("sweep container %s: %w", id, classify(err))
	}
	if err := r.deleteRecord(ctx, id); err != nil {
		return fmt.Errorf("sweep container %s: %w", id, classify(err))
	}
	return nil
}

func (r *Runtime) sweepTask(ctx context.Context, id string) error {
	err := r.kill(ctx, id)
	if err == nil {
		err = r.step(ctx, "wait", func(ctx context.Context) error {
			_, err := r.tasks.Wait(ctx, &tasksapi.WaitRequest{ContainerID: id})
			return err
		})
	}
	if err != nil && !errdefs.IsNotFound(err) {
		if e := r.killShim(ctx, id); e != nil {
			return errors.Join(err, e)
		}
	}
	return r.deleteTask(ctx, id)
}
