package grade

import (
	"context"
	"fmt"

	"github.com/ingot-grading/ingot/agent/relay"
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
	j.students = newStudents(ctx, j)
	ended := make(chan struct{})
	stdio := j.grader.Stdio()
	in := inbox{log: j.log, asked: j.students.asked, logins: j.students.logins, over: ended, routes: &j.students.routes}
	frames := relay.Start(stdio.Stdin, stdio.Stdout, j.e.cfg.MaxFrame, in.take)
	j.students.frames = frames
	j.stderr.follow(stdio.Stderr)
	if err := frames.Send(ctx, start); err != nil { // waits in the pipe for the process to read it
		return ending{}, fmt.Errorf("queue the start frame: %w", err)
	}
	unwatch, err := j.grader.start(ctx, j.e.cfg.Cgroups.CPUs(), over)
	if err != nil {
		return ending{}, refuse(err, "Cannot start the container.")
	}
	defer unwatch()
	j.moveTo(Running)
	end := j.loop(ctx, over)
	unwatch()
	j.moveTo(Draining)
	close(ended)
	frames.HangUp() // nobody may wait any more for one that has ended, or soon will
	j.students.routes.hangUp()
	j.students.stop(errOver)
	if j.drain(ctx, frames) {
		j.result = in.result
	} else if end.cause == nil {
		end.cause = context.Cause(ctx) // a kill, if there was one, need not wait for the rest
	}
	j.measure(&end)
	return end, nil
}

// loop owns the job while its grading container runs. It returns when that has
// ended, by itself or because ctx did.
func (j *job) loop(ctx context.Context, over context.CancelCauseFunc) ending {
	for {
		select {
		case exit := <-j.grader.Exited():
			return ending{lost: exit.Err, code: exit.Code}
		case <-ctx.Done():
			return j.grader.kill(ctx)
		case r := <-j.students.asked:
			if err := j.students.ask(ctx, r); err != nil {
				over(err)
			}
		case l := <-j.students.logins:
			if err := j.letIn(l); err != nil {
				over(err)
			}
		case o := <-j.students.ended:
			j.students.finish(ctx, o)
		case s := <-j.students.gone:
			j.students.forget(s)
		}
	}
}

// drain waits for what the container wrote before it ended, but not for that of
// one that had ended by itself when ctx ends. It reports whether all of it is there.
func (j *job) drain(ctx context.Context, frames *relay.Relay) bool {
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, done := context.WithTimeoutCause(ctx, drainTimeout, errSlowDrain)
	defer done()
	err := frames.Wait(ctx)
	if err != nil {
		j.log.Warn("bad output of the container", "err", err)
	}
	j.stderr.wait(ctx)
	return ctx.Err() == nil
}

// measure takes the last readings, after the exit and before anything is
// removed. What student containers did does not count as the grader's.
func (j *job) measure(end *ending) {
	own := j.grader.measure(end)
	j.blame(end.victim)
	j.measureNetwork()
	total, err := j.group.Read()
	if err != nil {
		j.log.Error("readings missing", "err", err)
		return
	}
	j.used.CPU, j.used.MemoryPeak, j.used.PidsPeak = total.CPU.Usage, total.MemoryPeak, total.PidsPeak
	if !own && j.students.made == 0 { // removed already; the job's group has counted it
		end.oomKill = total.OOM.Kills > 0 || total.OOM.GroupKills > 0
	}
}

// blame keeps the first process of the job that was killed for want of memory.
func (j *job) blame(victim string) {
	if j.used.Victim == "" {
		j.used.Victim = victim
	}
}
