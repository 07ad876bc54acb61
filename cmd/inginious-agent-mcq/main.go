package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/mcq"
	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// config is the command line.
type config struct {
	app.Flags
	Backend string `arg:"" help:"Address of the backend for agents, such as tcp://backend:2001."`

	FriendlyName       string `help:"Name of this agent in queue listings; the host's name if not given."`
	Concurrency        int    `default:"64" placeholder:"N" help:"Jobs that the backend may give at a time (${default})."`
	Tasks              string `type:"path" default:"./tasks" help:"Directory of courses (${default})."`
	DisableAutorestart bool   `help:"Accepted for compatibility: this agent does not restart itself."`
}

func main() {
	os.Exit(app.Main("inginious-agent-mcq", "Grade multiple choice and match problems, without containers.", run))
}

func run(ctx context.Context, p *app.Process[config]) (err error) {
	cfg := p.Config
	if cfg.Concurrency < 1 {
		return app.Usage(fmt.Errorf("--concurrency %d: at least one job at a time is needed", cfg.Concurrency))
	}
	if cfg.FriendlyName == "" {
		if cfg.FriendlyName, err = os.Hostname(); err != nil {
			return fmt.Errorf("find a name: %w", err)
		}
	}
	exec, err := mcq.New(mcq.Config{Tasks: cfg.Tasks, Log: p.Log})
	if err != nil {
		return app.Usage(err)
	}
	// A backend of ours knows by the identity which jobs are still here after
	// the connection broke. It changes with every start.
	end, err := zmtp.Dial(cfg.Backend, zmtp.Config{Identity: "ingot-" + rand.Text(), Log: p.Log})
	if err != nil {
		return app.Usage(err)
	}
	defer func() { err = errors.Join(err, end.Close()) }()

	p.Ready()
	defer context.AfterFunc(ctx, p.Stopping)()
	return agent.Run(ctx, agent.Config{FriendlyName: cfg.FriendlyName, Slots: cfg.Concurrency, Log: p.Log}, end, exec)
}
