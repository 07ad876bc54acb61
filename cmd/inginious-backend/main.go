package main

import (
	"context"
	"os"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

func main() {
	os.Exit(app.Main("inginious-backend", "Queue and scheduler between INGInious' webapps and its grading agents.", run))
}

func run(ctx context.Context, p *app.Process[config]) error {
	agents, err := zmtp.Listen(p.Config.Agent, p.Config.socket(p.Log.With("side", "agent")))
	if err != nil {
		return app.Usage(err)
	}
	defer agents.Close()
	clients, err := zmtp.Listen(p.Config.Client, p.Config.socket(p.Log.With("side", "client")))
	if err != nil {
		return app.Usage(err)
	}
	defer clients.Close()

	b := backend.New(agents, clients, p.Config.backend(p.Log))
	aside, stop := context.WithCancelCause(context.WithoutCancel(ctx)) // until Run has drained
	defer stop(nil)
	go p.Watch(aside, func(ctx context.Context) error { return b.Ask(ctx, func(*sched.State) {}) })
	go reload(aside, p, b)
	context.AfterFunc(ctx, p.Stopping)

	p.Log.Info("serving", "agents", agents.Addr(), "clients", clients.Addr())
	p.Ready()
	return b.Run(ctx)
}

// reload passes the limits of a configuration that was read again on.
func reload(ctx context.Context, p *app.Process[config], b *backend.Backend) {
	for {
		select {
		case <-ctx.Done():
			return
		case fresh := <-p.Reloads:
			if err := b.Tell(ctx, sched.Configure{Config: fresh.sched()}); err != nil {
				return
			}
			p.Log.Info("configuration reloaded")
		}
	}
}
