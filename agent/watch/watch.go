package watch

import (
	"context"
	"errors"
	"time"
)

// Causes with which a container's context is cancelled.
var (
	ErrCPUTime  = errors.New("CPU time limit exceeded")
	ErrWallTime = errors.New("wall-clock time limit exceeded")
)

// Limits of one container. 0: no limit.
type Limits struct {
	CPU  time.Duration // of all its processes on all CPUs
	Wall time.Duration // from Start on
	CPUs int           // how many CPUs it may use at once; 0: those of this process
}

// Start arms l; call it before the container starts. over is called at most once:
// with [ErrCPUTime] or [ErrWallTime], or, so that no container runs on
// unwatched, with what is wrong if its CPU time cannot be read. cpu
// ([github.com/ingot-grading/ingot/cgroups.Group.CPU]) is called from one
// goroutine; its answer that the group is gone ends the watch of CPU time.
// The watch ends with ctx or with stop, which waits for its goroutine and may
// be called again.
func Start(ctx context.Context, l Limits, cpu func() (time.Duration, error), over context.CancelCauseFunc) (stop func()) {
	return func() {}
}
