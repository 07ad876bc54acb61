package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/cmd/internal/app"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // a long queue is most of the memory: keep it from doubling
	}
	os.Exit(app.Main("inginious-backend", "Queue and scheduler between INGInious' webapps and its grading agents.", run))
}

func run(ctx context.Context, p *app.Process[config]) error {
	certs, err := p.Config.Load()
	if err != nil {
		return app.Usage(err)
	}
	limits, err := p.Config.Wire()
	if err != nil {
		return app.Usage(err)
	}
	token, err := p.Config.token()
	if err != nil {
		return app.Usage(err)
	}
	agents, clients, closeSockets, err := listen(p.Config, p.Log, certs)
	if err != nil {
		return app.Usage(err)
	}
	defer closeSockets()

	reg := registry(agents, clients)
	b := backend.New(agents, clients, p.Config.backend(limits, p.Log, reg))
	closeHTTP, err := app.ServeHTTP(p.Config.HTTP, b.Handler(token, reg), p.Log)
	if err != nil {
		return app.Usage(err)
	}
	defer closeHTTP()

	aside, stop := context.WithCancelCause(context.WithoutCancel(ctx)) // ends when Run has drained
	defer stop(nil)
	go p.Watch(aside, func(ctx context.Context) error { return b.Ask(ctx, func(*sched.State) {}) })
	go reload(aside, p, b, certs, agents, clients)
	context.AfterFunc(ctx, p.Stopping)
	p.Log.Info("serving", "agents", agents.Addr(), "clients", clients.Addr())
	p.Ready()
	return b.Run(ctx)
}
