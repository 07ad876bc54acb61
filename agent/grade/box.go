package grade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/watch"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/wire"
)

// How long the parts of an ending may take before they are given up.
const (
	exitTimeout  = 30 * time.Second // from the kill to the exit
	drainTimeout = 10 * time.Second // from the exit to the end of the output
)

var (
	errNoExit    = errors.New("the container did not end when it was killed")
	errSlowDrain = errors.New("the container's output did not end with it")
)

// box is one container of a job, with its cgroup. It belongs to one goroutine.
type box struct {
	sandbox.Container
	group   *cgroups.Group
	id      uint64           // of the group; 0: not known
	victims *cgroups.Victims // nil: nobody names them
	limits  limits
	log     *slog.Logger
	blind   *sync.Once // says that there is no group
	metrics *metrics
	entered time.Time // its present phase
	used    wire.ContainerUsage
}

// passed ends the present phase of the container, which was that of that name.
func (b *box) passed(phase string) {
	now := time.Now()
	b.used.Phases = append(b.used.Phases, wire.Phase{Name: phase, Took: now.Sub(b.entered)})
	b.entered = now
}

// start arms the limits and then starts the process. over is told of a limit;
// the returned function ends the watch.
func (b *box) start(ctx context.Context, cpus int, over context.CancelCauseFunc) (unwatch func(), err error) {
	unwatch = watch.Start(ctx, watch.Limits{CPU: b.limits.cpu, Wall: b.limits.wall, CPUs: cpus}, b.group.CPU, over)
	b.entered = time.Now()
	var unknown error
	if b.id, unknown = b.group.ID(); errors.Is(unknown, cgroups.ErrGone) {
		b.blind.Do(func() {
			b.log.Warn("the runtime makes no cgroups for containers: nothing limits their CPU time, memory and processes")
		})
	}
	if err := b.Start(ctx); err != nil {
		unwatch()
		return nil, err
	}
	b.passed("starting")
	b.log.Debug("container started")
	return unwatch, nil
}

// kill ends the process because ctx did, and waits for its exit.
func (b *box) kill(ctx context.Context) ending {
	end := ending{cause: context.Cause(ctx)}
	go func() { // a runtime that hangs is not waited for
		tidy, done := context.WithTimeoutCause(context.WithoutCancel(ctx), exitTimeout, errNoExit)
		defer done()
		// The kernel's kill is the faster and reaches everything; the runtime's is
		// needed where the container's processes are not in the host's group.
		if err := errors.Join(b.group.Kill(tidy), b.Kill(tidy)); err != nil {
			b.log.Error("kill failed", "err", err)
		}
	}()
	late := time.NewTimer(exitTimeout)
	defer late.Stop()
	select {
	case exit := <-b.Exited():
		end.code = exit.Code
	case <-late.C:
		b.log.Error("container lost", "err", errNoExit)
		end.lost = errNoExit
	}
	return end
}

// remove removes the container and its cgroup. It may be called again.
func (b *box) remove(ctx context.Context) error {
	if err := b.Delete(ctx); err != nil {
		return fmt.Errorf("delete the container: %w", err)
	}
	if err := errors.Join(b.group.Kill(ctx), b.group.Remove(ctx)); err != nil {
		return fmt.Errorf("remove the container's cgroup: %w", err)
	}
	return nil
}
