package grade

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/relay"
)

// run starts the grading container and sees it to its end. An error means that
// it did not start.
func (j *job) run(job context.Context) (ending, error) {
	ctx, over := context.WithCancelCause(job)
	defer over(nil)
	start, err := j.startFrame()
	if err != nil {
		return ending{}, err
	}
	j.students = newStudents(ctx, j)
	ended := make(chan struct{})
	hear := sync.OnceFunc(func() { close(ended) }) // no more of what the container asks
	defer hear()
	stdio := j.grader.Stdio()
	in := inbox{log: j.log, asked: j.students.asked, unclear: j.students.unclear, logins: j.students.logins, over: ended, routes: &j.students.routes}
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
	j.grader.passed("running")
	unwatch()
	j.moveTo(Draining)
	j.students.survey()
	hear()
	frames.HangUp() // nobody may wait any more for one that has ended, or soon will
	j.students.routes.hangUp()
	j.students.stop(errOver)
	if end.cause == nil { // nobody asks what one that was stopped had to say
		end.cause = j.drain(ctx, frames)
		j.result = in.last()
	}
	j.measure(&end)
	if errors.Is(context.Cause(job), agent.ErrKilled) && end.cause != nil {
		end.cause = agent.ErrKilled // while a limit was being enforced
	}
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
		case socket := <-j.students.unclear:
			j.students.answer(ctx, socket, retvalRefused)
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

// drain waits for what the container wrote before it ended, for so long. A kill need
// not wait for that: the error is why ctx ended.
func (j *job) drain(ctx context.Context, frames *relay.Relay) error {
	patience, done := context.WithTimeoutCause(ctx, drainTimeout, errSlowDrain)
	defer done()
	if err := frames.Wait(patience); err != nil {
		j.log.Warn("bad output of the container", "err", err)
	}
	cause := context.Cause(ctx)
	j.stderr.wait(patience) // only for the log
	return cause
}
