package app

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Ready tells the service manager, if there is one, that the program serves, and
// the log which one it is.
func (p *Process[C]) Ready() {
	p.Log.Info("ready", "version", Version())
	p.notify(daemon.SdNotifyReady)
}

// Stopping tells the service manager that the program is about to end.
func (p *Process[C]) Stopping() { p.notify(daemon.SdNotifyStopping) }

// Watch keeps the service manager's watchdog quiet for as long as alive
// returns nil, and returns when ctx is done. It asks twice per watchdog period;
// the context given to alive ends with that half period. Without a watchdog it
// returns at once.
func (p *Process[C]) Watch(ctx context.Context, alive func(context.Context) error) {
	period, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		p.Log.Warn("watchdog not served", "err", err)
	}
	if err != nil || period == 0 {
		return
	}
	tick := time.NewTicker(period / 2)
	defer tick.Stop()
	for {
		if err := within(ctx, period/2, alive); err == nil {
			p.notify(daemon.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			p.Log.Error("not alive", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func within(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f(ctx)
}

func (p *Process[C]) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		p.Log.Warn("service manager not told", "state", state, "err", err)
	}
}
