package grade

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const cleanTimeout = 2 * time.Minute

var errSlowClean = errors.New("clean-up took too long")

// clean removes all that the job had. Nothing cancels it but its own deadline:
// what it cannot remove is left to the sweep of the agent's next life.
func (j *job) clean() {
	j.moveTo(Cleaning)
	ctx, done := context.WithTimeoutCause(context.Background(), cleanTimeout, errSlowClean)
	defer done()
	if err := j.remove(ctx); err != nil {
		j.log.Error("clean-up incomplete", "err", err)
	}
	j.moveTo(Gone)
}

// remove goes in the one order that works: processes, cgroup, mounts. A failed
// step does not keep the others from being tried.
func (j *job) remove(ctx context.Context) error {
	var errs []error
	if j.box != nil {
		if err := j.box.Delete(ctx); err != nil {
			errs = append(errs, fmt.Errorf("delete the container: %w", err))
		}
	}
	if j.group != nil {
		if err := errors.Join(j.group.Kill(ctx), j.group.Remove(ctx)); err != nil {
			errs = append(errs, fmt.Errorf("remove the cgroup: %w", err))
		}
	}
	if j.space != nil {
		if err := j.space.Remove(ctx); err != nil {
			errs = append(errs, fmt.Errorf("remove the workspace: %w", err))
		}
	}
	return errors.Join(errs...)
}
