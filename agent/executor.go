package agent

import (
	"context"
	"errors"

	"github.com/ingot-grading/ingot/wire"
)

// Causes with which the context of [Executor.Run] is cancelled.
var (
	ErrKilled   = errors.New("killed by the client")
	ErrStopping = errors.New("the agent is stopping")
)

// Job is one job as the backend sent it.
type Job struct {
	*wire.BackendNewJob
	State string // the submission's "@state", for every result that has no better one
}

// Executor grades jobs.
type Executor interface {
	// Environments lists what it can grade now. The result is the caller's.
	Environments() []wire.Environment
	// Changed is signalled when Environments may give another answer; nil if it never does.
	Changed() <-chan struct{}
	// Run grades job and returns its result. It is called once per job, each in a
	// goroutine of its own. Clean-up that takes time may go on after it returned.
	// When ctx ends, context.Cause says why ([ErrKilled], [ErrStopping]) and Run
	// returns soon, with a result all the same. If that takes more than a second or
	// so, the job is answered for, and its result is dropped; it keeps its slot. A
	// panic becomes a crash result.
	Run(ctx context.Context, job Job, up Uplink) wire.Result
	// Close waits until nothing of earlier jobs is left, or ctx ends.
	Close(ctx context.Context) error
}

// Uplink is what a running job may tell the backend before its result.
type Uplink interface {
	// SSH announces a way into a container, at most once per job; later calls
	// and calls after the result are refused with an error.
	SSH(wire.SSH) error
}

// Failed is the result of a job that could not be graded: no grade, empty maps,
// no outputs, and the submission's state kept (PROTOCOL.md 3.2).
func Failed(job Job, status, text string) wire.Result {
	none := wire.Nullable{Null: true}
	return wire.Result{Status: status, Text: text, State: job.State, Stdout: none, Stderr: none}
}
