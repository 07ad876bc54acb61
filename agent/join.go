package agent

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/ingot-grading/ingot/wire"
)

// Join makes one executor of two: extra grades jobs whose environment type is
// typ, main all others. The agent counts slots over both. Both belong to the
// new one, whose Close closes them.
func Join(main Executor, typ string, extra Executor) Executor {
	j := &joined{main: main, extra: extra, typ: typ, changed: make(chan struct{}, 1), closed: make(chan struct{})}
	go j.watch()
	return j
}

type joined struct {
	main, extra Executor
	typ         string
	changed     chan struct{}
	closed      chan struct{}
	once        sync.Once // closes closed
}

// watch passes on what either says of changes until Close.
func (j *joined) watch() {
	for {
		select {
		case <-j.closed:
			return
		case <-j.main.Changed():
		case <-j.extra.Changed():
		}
		select {
		case j.changed <- struct{}{}:
		default: // a signal is waiting already
		}
	}
}

// Environments implements [Executor].
func (j *joined) Environments() []wire.Environment {
	return slices.Concat(j.main.Environments(), j.extra.Environments())
}

// Changed implements [Executor].
func (j *joined) Changed() <-chan struct{} { return j.changed }

// Run implements [Executor].
func (j *joined) Run(ctx context.Context, job Job, up Uplink) wire.Result {
	if job.EnvironmentType == j.typ {
		return j.extra.Run(ctx, job, up)
	}
	return j.main.Run(ctx, job, up)
}

// Close implements [Executor].
func (j *joined) Close(ctx context.Context) error {
	j.once.Do(func() { close(j.closed) })
	return errors.Join(j.main.Close(ctx), j.extra.Close(ctx))
}
