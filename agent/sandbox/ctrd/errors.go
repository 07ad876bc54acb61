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

// errWatchdog is why a step's context ended.
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
	case err == nil, known(err), errors.Is(err, context.Canceled):
		return err
	case errdefs.IsUnavailable(err), errors.Is(err, context.DeadlineExceeded), errdefs.IsPermissionDenied(err),
		errdefs.IsNotImplemented(err):
		return fmt.Errorf("%w: %w", sandbox.ErrUnavail, err)
	}
	return fmt.Errorf("%w: %w", sandbox.ErrBadRequest, err)
}

func known(err error) bool {
	return errors.Is(err, sandbox.ErrNoImage) || errors.Is(err, sandbox.ErrNoRuntime) ||
		errors.Is(err, sandbox.ErrUnavail) || errors.Is(err, sandbox.ErrBadRequest)
}

// hung reports whether a step ended by its watchdog.
func hung(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errWatchdog)
}

// step does one exchange with containerd. It is cut short by the watchdog, never
// by its caller: an exchange that was given up leaves an unknown state behind.
// Its error has an errdefs class.
func (r *Runtime) step(ctx context.Context, name string, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), r.cfg.Watchdog, errWatchdog)
	defer cancel()
	began := time.Now()
	err := do(ctx)
	if r.cfg.Observe != nil {
		r.cfg.Observe(name, time.Since(began))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, toNative(err))
	}
	return nil
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
