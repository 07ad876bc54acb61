package ctrd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// phase is how far a container's process has come.
type phase int

const (
	created phase = iota
	starting
	started // Start succeeded: its end is told
	failed  // Start failed, or a kill came first: it has no end to tell
)

// container is one container, from Create to Delete.
type container struct {
	r  *Runtime
	id string
	io *streams // nil until they are open

	pid int // of the task's process, set by Create

	stuck bool // containerd did not answer to the task's creation

	exited chan sandbox.Exit
	hints  chan struct{}
	gone   chan struct{} // closed when the task's process has ended; nil until watched

	mu      sync.Mutex
	phase   phase
	exit    *sandbox.Exit // once gone
	told    bool          // exited is closed
	noStdin bool          // our end of stdin is closed

	deleting sync.Mutex // one Delete at a time; others see its result
	deleted  bool
}

var _ sandbox.Container = (*container)(nil)

func newContainer(r *Runtime, id string) *container {
	return &container{r: r, id: id, exited: make(chan sandbox.Exit, 1), hints: make(chan struct{}, 1)}
}

func (c *container) ID() string { return c.id }

func (c *container) PID() int { return c.pid }

func (c *container) Stdio() sandbox.Stdio {
	return sandbox.Stdio{Stdin: stdin{c}, Stdout: c.io.out, Stderr: c.io.err}
}

func (c *container) Exited() <-chan sandbox.Exit { return c.exited }

func (c *container) Start(ctx context.Context) error {
	err := c.start(ctx)
	if err != nil {
		return fmt.Errorf("start container %s: %w", c.id, classify(err))
	}
	return nil
}

func (c *container) start(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	if c.phase != created || c.exit != nil || c.told {
		c.mu.Unlock()
		return fmt.Errorf("%w: not waiting to be started", sandbox.ErrBadRequest)
	}
	c.phase = starting
	c.mu.Unlock()

	err := c.r.step(ctx, "start", func(ctx context.Context) error {
		_, err := c.r.tasks.Start(ctx, &tasksapi.StartRequest{ContainerID: c.id})
		return err
	})

	c.mu.Lock()
	c.phase = started
	if err != nil {
		c.phase = failed
	} else if c.exit != nil {
		c.tell() // it was faster than we
	}
	closeStdin := c.noStdin
	c.mu.Unlock()
	if err != nil {
		return err
	}
	err = c.io.release()
	if closeStdin {
		err = errors.Join(err, c.closeStdin(ctx))
	}
	return err
}

// settle is the end of the task's process; it comes once. Whoever is told of it
// finds it so.
func (c *container) settle(e sandbox.Exit) {
	c.io.ended()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exit = &e
	close(c.gone)
	if c.phase == started {
		c.tell()
	}
}

// tell closes exited, with the exit of a process that was started. c.mu is held.
func (c *container) tell() {
	if c.told {
		return
	}
	c.told = true
	if c.phase == started && c.exit != nil {
		c.exited <- *c.exit
	}
	close(c.exited)
}

func (c *container) ended() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

func (c *container) Kill(ctx context.Context) error {
	c.mu.Lock()
	if c.phase == created {
		c.phase = failed // the runtime may not notice in time that there is nothing left to start
	}
	c.mu.Unlock()
	if c.ended() {
		return nil
	}
	err := c.r.kill(ctx, c.id)
	if errors.Is(err, errNotStarted) {
		return nil // nor will it be
	}
	if err != nil && !hung(err) {
		// It may be its end that is in the way, before anybody has been told of it.
		c.hint()
		if c.awaitGone(2*hintGrace) == nil {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("kill container %s: %w", c.id, classify(err))
	}
	return nil
}

// errNotStarted is why gVisor kills no container that was not started.
var errNotStarted = errors.New("there is nothing yet to kill")

// kill ends every process of a task. That it has ended, or is not there, is no
// error. Where the runtime holds no process before the start, it is errNotStarted.
func (r *Runtime) kill(ctx context.Context, id string) error {
	err := r.sure(ctx, "kill", func(ctx context.Context) error {
		_, err := r.tasks.Kill(ctx, &tasksapi.KillRequest{ContainerID: id, Signal: uint32(unix.SIGKILL), All: true})
		return err
	})
	if err == nil || hung(err) || errdefs.IsUnavailable(err) {
		return err
	}
	// Some runtimes fail to kill what has just ended, in words of their own.
	_, status, e := r.look(ctx, id)
	switch {
	case e == nil && status == task.Status_STOPPED:
		return nil
	case e == nil && status == task.Status_CREATED:
		return errNotStarted
	}
	return err
}

// stdin is our end of the process' standard input.
type stdin struct{ c *container }

var _ io.WriteCloser = stdin{}

func (s stdin) Write(p []byte) (int, error) { return s.c.io.in.Write(p) }

// Close closes our end and the one that the shim keeps so that clients may come
// and go. Before the start, the latter is left to Start.
func (s stdin) Close() error {
	if err := s.c.io.in.Close(); err != nil {
		return err
	}
	s.c.mu.Lock()
	s.c.noStdin = true
	now := s.c.phase == started
	s.c.mu.Unlock()
	if !now || s.c.ended() {
		return nil
	}
	return s.c.closeStdin(context.Background())
}

func (c *container) closeStdin(ctx context.Context) error {
	err := c.r.sure(ctx, "close stdin", func(ctx context.Context) error {
		_, err := c.r.tasks.CloseIO(ctx, &tasksapi.CloseIORequest{ContainerID: c.id, Stdin: true})
		return err
	})
	if err != nil && !c.ended() {
		return fmt.Errorf("close stdin of container %s: %w", c.id, classify(err))
	}
	return nil
}
