package grade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingot-grading/ingot/agent/relay"
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

// run starts the grading container and sees it to its end. An error means that
// it did not start.
func (j *job) run(ctx context.Context) (ending, error) {
	ctx, over := context.WithCancelCause(ctx)
	defer over(nil)
	start, err := j.startFrame()
	if err != nil {
		return ending{}, err
	}
	io := j.box.Stdio()
	in := inbox{log: j.log}
	frames := relay.Start(io.Stdin, io.Stdout, j.e.cfg.MaxFrame, in.take)
	j.stderr.follow(io.Stderr)
	if err := frames.Send(ctx, start); err != nil { // waits in the pipe for the process to read it
		return ending{}, fmt.Errorf("queue the start frame: %w", err)
	}
	unwatch := watch.Start(ctx, watch.Limits{CPU: j.limits.cpu, Wall: j.limits.wall, CPUs: j.e.cfg.Cgroups.CPUs()}, j.group.Child(grader).CPU, over)
	defer unwatch()
	if err := j.box.Start(ctx); err != nil {
		return ending{}, refuse(err, "Cannot start the container.")
	}
	j.moveTo(Running)
	end := j.await(ctx)
	unwatch()
	j.moveTo(Draining)
	if j.drain(frames) {
		j.result = in.result
	}
	j.measure(&end)
	return end, nil
}

// await returns when the container has ended, by itself or because ctx did.
func (j *job) await(ctx context.Context) ending {
	select {
	case exit := <-j.box.Exited():
		return ending{lost: exit.Err}
	case <-ctx.Done():
	}
	end := ending{cause: context.Cause(ctx)}
	tidy, done := context.WithTimeoutCause(context.WithoutCancel(ctx), exitTimeout, errNoExit)
	defer done()
	// The kernel's kill is the faster and reaches everything; the runtime's is
	// needed where the container's processes are not in the host's group.
	if err := errors.Join(j.group.Child(grader).Kill(tidy), j.box.Kill(tidy)); err != nil {
		j.log.Error("kill failed", "err", err)
	}
	select {
	case <-j.box.Exited():
	case <-tidy.Done():
		j.log.Error("container lost", "err", context.Cause(tidy))
	}
	return end
}

// drain waits for what the container wrote before it ended. It reports whether
// all of it is there.
func (j *job) drain(frames *relay.Relay) bool {
	ctx, done := context.WithTimeoutCause(context.Background(), drainTimeout, errSlowDrain)
	defer done()
	err := frames.Wait(ctx)
	if err != nil {
		j.log.Warn("bad output of the container", "err", err)
	}
	j.stderr.wait(ctx)
	return ctx.Err() == nil
}

// measure takes the last readings, after the exit and before anything is removed.
func (j *job) measure(end *ending) {
	total, err := j.group.Read()
	if err != nil {
		j.log.Error("readings missing", "err", err)
		return
	}
	j.used.CPU, j.used.MemoryPeak, j.used.PidsPeak = total.CPU.Usage, total.MemoryPeak, total.PidsPeak
	own, err := j.group.Child(grader).Read()
	if errors.Is(err, cgroups.ErrGone) {
		own, err = total, nil // removed already; the job's group has counted it
	}
	if err != nil {
		j.log.Error("readings missing", "err", err)
	}
	end.oomKill = own.OOM.Kills > 0 || own.OOM.GroupKills > 0
	if total.PidsDenied > 0 {
		j.log.Info("process limit reached", "denied", total.PidsDenied)
	}
}
