package main

import (
	"context"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// reload passes on the limits and certificates of a configuration that was read
// again, until ctx is done. Addresses and the rest need a restart.
func reload(ctx context.Context, p *app.Process[config], b *backend.Backend, certs *app.Certificates, sockets ...*zmtp.Router) {
	for {
		select {
		case <-ctx.Done():
			return
		case fresh := <-p.Reloads:
			if err := fresh.check(); err != nil {
				p.Log.Error("configuration not reloaded", "err", err)
				continue
			}
			if err := certs.Reload(fresh.TLS); err != nil {
				p.Log.Error("certificates not reloaded", "err", err)
			}
			if limits, err := fresh.Wire(); err != nil {
				p.Log.Error("limits of messages not reloaded", "err", err)
			} else if err := b.SetLimits(ctx, limits); err == nil { // else Run has ended
				for _, s := range sockets {
					s.SetMaxMessage(fresh.MaxMessage)
				}
			}
			if err := b.Tell(ctx, sched.Configure{Config: fresh.sched()}); err != nil {
				return // Run has ended
			}
			p.Log.Info("configuration reloaded")
		}
	}
}
