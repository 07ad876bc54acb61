package ctrd

import (
	"context"
	"errors"
	"fmt"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// hintGrace is how long an answer may lag behind the event of the same exit. It
// nearly always is there first, which spares the look.
const hintGrace = time.Second

var (
	errHinted = errors.New("an event or a new subscription hints at an exit")
	errLost   = errors.New("containerd does not know the container any more: its shim has died or somebody removed it")
)

// watch begins to wait for the end of the task, which has been created.
func (c *container) watch() {
	c.gone = make(chan struct{})
	c.r.wg.Go(func() {
		if e, ok := c.await(c.r.ctx); ok {
			c.settle(e)
		}
	})
}

// hint makes await look at the task.
func (c *container) hint() {
	select {
	case c.hints <- struct{}{}:
	default: // one is waiting already
	}
}

// await returns the task's exit; false if ctx ended first. Containerd may
// restart meanwhile.
func (c *container) await(ctx context.Context) (sandbox.Exit, bool) {
	for {
		exit, err := c.wait(ctx)
		if err == nil {
			return exit, true
		}
		if ctx.Err() != nil {
			return sandbox.Exit{}, false
		}
		// Whatever kept the answer from us: look, and wait again if it runs.
		exit, status, err := c.r.look(ctx, c.id)
		switch {
		case errdefs.IsNotFound(err):
			return sandbox.Exit{At: time.Now(), Err: fmt.Errorf("container %s: %w", c.id, errLost)}, true
		case err == nil && status == task.Status_STOPPED:
			return exit, true
		}
		if !pause(ctx, retryPause) {
			return sandbox.Exit{}, false
		}
	}
}

// wait asks containerd to tell the exit. A hint gives the answer some time to
// come and then cuts the wait short.
func (c *container) wait(ctx context.Context) (sandbox.Exit, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type answer struct {
		exit sandbox.Exit
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		res, err := c.r.tasks.Wait(ctx, &tasksapi.WaitRequest{ContainerID: c.id})
		answers <- answer{exitOf(res.GetExitStatus(), res.GetExitedAt()), toNative(err)}
	}()
	var late <-chan time.Time
	for {
		select {
		case a := <-answers:
			return a.exit, a.err
		case <-c.hints:
			late = time.After(hintGrace)
		case <-late:
			cancel(errHinted)
		}
	}
}

// look asks for the state of a task, and for its exit if it has stopped.
func (r *Runtime) look(ctx context.Context, id string) (exit sandbox.Exit, status task.Status, err error) {
	err = r.step(ctx, "look", func(ctx context.Context) error {
		res, err := r.tasks.Get(ctx, &tasksapi.GetRequest{ContainerID: id})
		p := res.GetProcess()
		status = p.GetStatus()
		exit = exitOf(p.GetExitStatus(), p.GetExitedAt())
		return err
	})
	return exit, status, err
}

func exitOf(code uint32, at *timestamppb.Timestamp) sandbox.Exit {
	return sandbox.Exit{Code: code, At: at.AsTime()}
}
