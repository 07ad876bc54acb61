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
// what it cannot remove is left to the sweep of the agent's next life. Its
// memory is for others when its containers are gone.
func (j *job) clean() {
	j.moveTo(Cleaning)
	ctx, done := context.WithTimeoutCause(context.Background(), cleanTimeout, errSlowClean)
	defer done()
	err := j.removeContainers(ctx)
	if err == nil {
		j.e.memory.release(j.reserved.Load())
	}
	if j.space != nil {
		if e := j.space.Remove(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("remove the workspace: %w", e))
		}
	}
	if err != nil {
		j.e.metrics.failed.Inc()
		j.log.Error("clean-up incomplete", "err", err)
	}
	j.moveTo(Gone)
}

// removeContainers removes processes and their cgroups. A failed step does not
// keep the others from being tried.
//
// Students come before the job's group is killed: a process that is killed
// between its creation and its start makes crun wait for it in vain, until the
// watchdog ends the shim. Each student ends its own container when it may.
func (j *job) removeContainers(ctx context.Context) error {
	var errs []error
	if j.students != nil {
		j.students.stop(errOver)
		j.students.work.Wait() // each has its own deadline
	}
	if j.group != nil {
		if err := j.group.Kill(ctx); err != nil {
			errs = append(errs, fmt.Errorf("kill what is left: %w", err))
		}
	}
	if j.grader != nil {
		if err := j.grader.Delete(ctx); err != nil {
			errs = append(errs, fmt.Errorf("delete the container: %w", err))
		}
	}
	if err := disconnect(ctx, j.network); err != nil {
		errs = append(errs, err)
	}
	if err := j.unguard(); err != nil {
		errs = append(errs, err)
	}
	if j.group != nil {
		if err := j.group.Remove(ctx); err != nil {
			errs = append(errs, fmt.Errorf("remove the cgroup: %w", err))
		}
	}
	return errors.Join(errs...)
}
