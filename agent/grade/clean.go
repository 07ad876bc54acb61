package grade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// How long one try of a clean-up may take, and how soon it is tried again: the
// runtime may have been away, and is not asked more often than it helps.
const (
	cleanTimeout = 2 * time.Minute
	firstRetry   = 5 * time.Second
	lastRetry    = 5 * time.Minute
)

var errSlowClean = errors.New("clean-up took too long")

// clean removes all that the job had, and tries again what failed until the
// executor closes: what is left then is for the sweep of the agent's next life.
func (j *job) clean() {
	j.moveTo(Cleaning)
	if j.students != nil {
		j.students.work.Wait() // they end with run, and each has its own deadline
	}
	if j.e.insist(j.log, j.remove) {
		j.moveTo(Gone)
	}
}

// insist calls remove until there is no error, and reports whether it came to
// that. Nothing cancels a try but its own deadline.
func (e *Executor) insist(log *slog.Logger, remove func(context.Context) error) bool {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		ctx, done := context.WithTimeoutCause(context.Background(), cleanTimeout, errSlowClean)
		err := remove(ctx)
		done()
		if err == nil {
			return true
		}
		e.metrics.failed.Inc()
		log.Error("clean-up incomplete", "err", err, "again", wait)
		select {
		case <-time.After(wait):
		case <-e.closing:
			return false
		}
	}
}

// remove removes what is left of the job. A failed step does not keep the others
// from being tried. It may be called again.
//
// Students come before the job's group is killed: a process that is killed
// between its creation and its start makes crun wait for it in vain, until the
// watchdog ends the shim. Each student ends its own container when it may.
func (j *job) remove(ctx context.Context) error {
	var errs []error
	try := func(what string, err error) (ok bool) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
		return err == nil
	}
	for _, s := range j.students.left() {
		try("remove "+s.name, s.remove(ctx))
	}
	killed := j.group == nil || try("kill what is left", j.group.Kill(ctx))
	if j.grader != nil {
		try("delete the container", j.grader.Delete(ctx))
	}
	// A group without processes uses no memory, whatever the runtime has to say of
	// them, unless they are those of another kernel.
	if len(errs) == 0 || killed && j.env.kind.Runtime.SharedKernel {
		j.free()
	}
	try("remove the network", disconnect(ctx, j.network))
	try("end the guard", j.unguard())
	if j.group != nil {
		try("remove the cgroup", j.group.Remove(ctx))
	}
	if j.space != nil {
		try("remove the workspace", j.space.Remove(ctx))
	}
	return errors.Join(errs...)
}
