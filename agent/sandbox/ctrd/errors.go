package ctrd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc/status"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// errWatchdog is why a step's context was ended.
var errWatchdog = errors.New("no answer within the watchdog's time")

// retryPause is between two tries of a call that containerd's end interrupted.
// The second try waits for the connection, so few are ever needed.
const retryPause = 50 * time.Millisecond

// toNative gives an error of a raw service call its errdefs class. The client's
// own stores have done so already.
func toNative(err error) error {
	if _, ok := status.FromError(err); ok {
		return errgrpc.ToNative(err)
	}
	return err
}

// classify puts err into one of the port's classes, if it is in none yet.
func classify(err error) error {
	err = toNative(err)
	switch {
	case err == nil, known(err):
		return err
	case errors.Is(err, context.Canceled) && !hung(err):
		return err
	case hung(err), errdefs.IsUnavailable(err), errors.Is(err, context.DeadlineExceeded), errdefs.IsPermissionDenied(err),
		errdefs.IsNotImplemented(err):
		return fmt.Errorf("%w: %w", sandbox.ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", sandbox.ErrBadRequest, err)
}

func known(err error) bool {
	return errors.Is(err, sandbox.ErrNoImage) || errors.Is(err, sandbox.ErrNoRuntime) || errors.Is(err, sandbox.ErrNoDevice) ||
		errors.Is(err, sandbox.ErrUnavailable) || errors.Is(err, sandbox.ErrBadRequest)
}

// hung reports whether a step ended by its watchdog.
func hung(err error) bool { return errors.Is(err, errWatchdog) }

// step does one exchange with containerd. It is cut short by the watchdog, never
// by its caller: an exchange that was given up leaves an unknown state behind.
// Its error has an errdefs class.
//
// The bound is no deadline of the context: containerd would be told of it, and
// give up at the same moment in words of its own.
func (r *Runtime) step(ctx context.Context, name string, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	timer := time.AfterFunc(r.cfg.Watchdog, func() { cancel(errWatchdog) })
	defer timer.Stop()
	began := time.Now()
	err := toNative(do(ctx))
	if r.cfg.Observe != nil {
		r.cfg.Observe(name, time.Since(began))
	}
	switch {
	case err == nil:
		return nil
	case context.Cause(ctx) != nil:
		return fmt.Errorf("%s: %w: %w", name, context.Cause(ctx), err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// sure is a step that may be done twice. It is, when containerd ended in the
// middle of it; that something is not there (any more) is no error.
func (r *Runtime) sure(ctx context.Context, name string, do func(context.Context) error) error {
	err := r.step(ctx, name, func(ctx context.Context) error {
		for {
			err := toNative(do(ctx))
			if !errdefs.IsUnavailable(err) || !pause(ctx, retryPause) {
				return err
			}
		}
	})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// pause waits and reports whether ctx still holds.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
