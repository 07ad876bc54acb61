package grade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/watch"
	"github.com/ingot-grading/ingot/cgroups"
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
	began   time.Time // of its process
}

// start arms the limits and then starts the process. over is told of a limit;
// the returned function ends the watch.
func (b *box) start(ctx context.Context, cpus int, over context.CancelCauseFunc) (unwatch func(), err error) {
	unwatch = watch.Start(ctx, watch.Limits{CPU: b.limits.cpu, Wall: b.limits.wall, CPUs: cpus}, b.group.CPU, over)
	b.began = time.Now()
	b.id, _ = b.group.ID() // where the runtime has made none, nobody is killed in it
	if err := b.Start(ctx); err != nil {
		unwatch()
		return nil, err
	}
	b.log.Debug("container started")
	return unwatch, nil
}

// kill ends the process because ctx did, and waits for its exit.
func (b *box) kill(ctx context.Context) ending {
	end := ending{cause: context.Cause(ctx)}
	tidy, done := context.WithTimeoutCause(context.WithoutCancel(ctx), exitTimeout, errNoExit)
	defer done()
	// The kernel's kill is the faster and reaches everything; the runtime's is
	// needed where the container's processes are not in the host's group.
	if err := errors.Join(b.group.Kill(tidy), b.Kill(tidy)); err != nil {
		b.log.Error("kill failed", "err", err)
	}
	select {
	case exit := <-b.Exited():
		end.code = exit.Code
	case <-tidy.Done():
		b.log.Error("container lost", "err", context.Cause(tidy))
		end.lost = context.Cause(tidy)
	}
	return end
}

// measure takes the last readings into end, after the exit and before anything
// is removed. False if there are none.
func (b *box) measure(end *ending) bool {
	r, err := b.group.Read()
	if err != nil {
		if !errors.Is(err, cgroups.ErrGone) {
			b.log.Error("readings missing", "err", err)
		}
		return false
	}
	end.oomKill = r.OOM.Kills > 0 || r.OOM.GroupKills > 0
	if end.oomKill {
		end.victim = b.victim()
	}
	b.log.Info("container ended", "code", end.code, "took", time.Since(b.began).Round(time.Millisecond), "cpu", r.CPU.Usage,
		"memory", r.MemoryPeak, "pids", r.PidsPeak, "pids_denied", r.PidsDenied,
		"read", r.IO.ReadBytes, "written", r.IO.WrittenBytes, "oom", end.oomKill, "victim", end.victim)
	return true
}

// victim names the first process that was killed for want of memory.
func (b *box) victim() string {
	if b.victims == nil {
		return ""
	}
	v, _, err := b.victims.Take(b.id)
	if err != nil {
		b.log.Error("victim of the OOM killer not named", "err", err)
	}
	return v.Name
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
