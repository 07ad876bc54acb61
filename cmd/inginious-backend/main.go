package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/cmd/internal/app"
)

const about = "Queue and scheduler between INGInious' webapps and its grading agents. SIGHUP has it read limits and certificates again."

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // a long queue is most of the memory: keep it from doubling
	}
	os.Exit(app.Main("inginious-backend", about, run))
}

// minLinger is how long peers have to read what is queued when the program ends.
// They have what is left of --drain, if that is longer.
const minLinger = time.Second

func run(ctx context.Context, p *app.Process[config]) error {
	if err := p.Config.check(); err != nil {
		return app.Usage(err)
	}
	certs, err := p.Config.Load(p.Config.Agent, p.Config.Client)
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
	plain, err := p.Config.Credentials()
	if err != nil {
		return app.Usage(err)
	}
	agents, clients, closeSockets, err := listen(p.Config, p.Log, certs, plain)
	if err != nil {
		return app.Setting(err)
	}
	linger := minLinger
	defer func() { closeSockets(linger) }()

	reg := registry(agents, clients)
	b := backend.New(agents, clients, p.Config.backend(limits, p.Log, reg))
	closeHTTP, err := app.ServeHTTP(p.Config.HTTP, b.Handler(token, reg), p.Log)
	if err != nil {
		return app.Setting(err)
	}
	defer closeHTTP()

	aside, stop := context.WithCancelCause(context.WithoutCancel(ctx)) // ends when Run has drained
	defer stop(nil)
	go p.Watch(aside, func(ctx context.Context) error { return b.Ask(ctx, func(*sched.State) {}) })
	go reload(aside, p, b, certs, agents, clients)
	context.AfterFunc(ctx, p.Stopping)
	p.Log.Info("serving", "agents", agents.Addr(), "clients", clients.Addr())
	p.Ready()
	err = b.Run(ctx)
	linger = max(minLinger, b.Left())
	return err
}
