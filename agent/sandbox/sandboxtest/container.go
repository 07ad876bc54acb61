package sandboxtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// errKilled is the cause with which a killed program's context ends.
var errKilled = errors.New("killed")

const killedCode = 128 + 9 // SIGKILL

// container is one container of a Fake.
type container struct {
	fake    *Fake
	spec    sandbox.Spec
	program Program

	in, out, err *pipe
	exited       chan sandbox.Exit
	stop         context.CancelCauseFunc
	ctx          context.Context // the program's life, ended by Kill

	mu      sync.Mutex
	started bool
	ended   bool // the process has ended, or can no longer start
	closed  bool // exited is closed
}

var _ sandbox.Container = (*container)(nil)

func newContainer(f *Fake, s sandbox.Spec, p Program) *container {
	ctx, stop := context.WithCancelCause(context.Background())
	return &container{
		fake: f, spec: s, program: p, ctx: ctx, stop: stop,
		in: newPipe(), out: newPipe(), err: newPipe(),
		exited: make(chan sandbox.Exit, 1),
	}
}

func (c *container) ID() string { return c.spec.ID }

// PID is 0: a program of a Fake has no process.
func (c *container) PID() int { return 0 }

func (c *container) Stdio() sandbox.Stdio {
	return sandbox.Stdio{Stdin: writeEnd{c.in}, Stdout: readEnd{c.out}, Stderr: readEnd{c.err}}
}

func (c *container) Exited() <-chan sandbox.Exit { return c.exited }

func (c *container) Start(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("start container %s: %w", c.spec.ID, err)
	}
	if err := c.fake.before(ctx, Start, c.spec); err != nil {
		return fmt.Errorf("start container %s: %w", c.spec.ID, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started || c.ended {
		return fmt.Errorf("start container %s: %w: not waiting to be started", c.spec.ID, sandbox.ErrBadRequest)
	}
	c.started = true
	go func() {
		code := c.program(c.ctx, readEnd{c.in}, writeEnd{c.out}, writeEnd{c.err}, c.spec.OCI)
		c.end(sandbox.Exit{Code: uint32(code)})
	}()
	return nil
}

// end is the end of the process; only the first call counts.
func (c *container) end(exit sandbox.Exit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	_ = readEnd{c.in}.Close() // ends of a fake pipe close without error
	_ = writeEnd{c.out}.Close()
	_ = writeEnd{c.err}.Close()
	if c.started {
		exit.At = time.Now()
		c.exited <- exit
		c.closeExited()
	}
}

func (c *container) closeExited() {
	if !c.closed {
		c.closed = true
		close(c.exited)
	}
}

func (c *container) Kill(ctx context.Context) error {
	if err := c.fake.before(ctx, Kill, c.spec); err != nil {
		return fmt.Errorf("kill container %s: %w", c.spec.ID, err)
	}
	c.kill()
	return nil
}

func (c *container) kill() {
	c.end(sandbox.Exit{Code: killedCode}) // first: what the program makes of its end does not count
	c.stop(errKilled)
}

func (c *container) Delete(ctx context.Context) error {
	if err := c.fake.before(ctx, Delete, c.spec); err != nil {
		return fmt.Errorf("delete container %s: %w", c.spec.ID, err)
	}
	c.kill()
	c.mu.Lock()
	c.closeExited()
	c.mu.Unlock()
	_ = writeEnd{c.in}.Close()
	_ = readEnd{c.out}.Close()
	_ = readEnd{c.err}.Close()

	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	if c.fake.containers[c.spec.ID] == c {
		delete(c.fake.containers, c.spec.ID)
	}
	return nil
}
