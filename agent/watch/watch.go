package watch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/ingot-grading/ingot/cgroups"
)

// Causes with which a container's context is cancelled.
var (
	ErrCPUTime  = errors.New("CPU time limit exceeded")
	ErrWallTime = errors.New("wall-clock time limit exceeded")
)

// Limits of one container. 0: no limit.
type Limits struct {
	CPU  time.Duration // of all its processes on all CPUs; going over it, not reaching it, ends the container
	Wall time.Duration // from Start on
	CPUs int           // how many CPUs it may use at once; 0: as many as this process
}

// Start arms l and returns; call it before the container starts. over is called
// at most once: with [ErrCPUTime] or [ErrWallTime] or, so that nothing runs
// unwatched, with the error if the CPU time cannot be read.
//
// cpu reads the CPU time used so far ([cgroups.Group.CPU]); it is called from one
// goroutine at a time. Its answer [cgroups.ErrGone] means that nothing was used yet,
// or nothing is any more. The watch ends with ctx or with stop, which waits until
// over will not be called any more and may be called again, but not from over.
func Start(ctx context.Context, l Limits, cpu func() (time.Duration, error), over context.CancelCauseFunc) (stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	first, _ := decide(0, l.CPU, cpus(l))
	wall, next := timer(l.Wall, l.Wall), timer(l.CPU, first)
	var done sync.WaitGroup
	done.Go(func() {
		defer wall.Stop()
		defer next.Stop()
		if err := run(ctx, l, cpu, wall, next); err != nil {
			over(err)
		}
	})
	return func() {
		cancel(context.Canceled)
		done.Wait()
	}
}

// timer returns one that fires after d, or never if there is no limit.
func timer(limit, d time.Duration) *time.Timer {
	t := time.NewTimer(d)
	if limit == 0 {
		t.Stop()
	}
	return t
}

func cpus(l Limits) int {
	if l.CPUs > 0 {
		return l.CPUs
	}
	return runtime.NumCPU()
}

func run(ctx context.Context, l Limits, cpu func() (time.Duration, error), wall, next *time.Timer) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wall.C:
			return ErrWallTime
		case <-next.C:
		}
		used, err := cpu()
		switch {
		case errors.Is(err, cgroups.ErrGone):
			next.Reset(blind)
			continue
		case err != nil:
			return fmt.Errorf("read CPU time: %w", err)
		}
		wait, exceeded := decide(used, l.CPU, cpus(l))
		if exceeded {
			return ErrCPUTime
		}
		next.Reset(wait)
	}
}

// shortest is the least time between two readings, and so, on each busy CPU,
// about the most that a container can go over its limit.
const shortest = 10 * time.Millisecond

// blind is after how long a group that is not there is looked for again: most
// often it never will be, as the container has ended.
const blind = time.Second

// decide says whether used is over limit and, if not, after what time it could
// be: when all cpus are busy.
func decide(used, limit time.Duration, cpus int) (wait time.Duration, over bool) {
	if used > limit {
		return 0, true
	}
	return max(shortest, (limit-used)/time.Duration(cpus)), false
}
