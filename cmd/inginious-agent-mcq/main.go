package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ingot-grading/ingot/agent/mcq"
	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/cmd/internal/uplink"
)

// config is the command line.
type config struct {
	app.Flags
	uplink.Connection

	Concurrency int    `default:"64" placeholder:"N" help:"Jobs that the backend may give at a time (${default})."`
	Tasks       string `type:"path" default:"./tasks" help:"Directory of courses (${default})."`
	HTTP        string `name:"http" placeholder:"ADDR" help:"Serve metrics here, as 127.0.0.1:2082."`
}

func main() {
	os.Exit(app.Main("inginious-agent-mcq", "Grade multiple choice and match problems, without containers.", run))
}

func run(ctx context.Context, p *app.Process[config]) (err error) {
	cfg := p.Config
	go p.RefuseReloads(ctx)
	if cfg.Concurrency < 1 {
		return app.Usage(fmt.Errorf("--concurrency %d: at least one job at a time is needed", cfg.Concurrency))
	}
	reg, stop, err := app.ServeMetrics(cfg.HTTP, p.Log)
	if err != nil {
		return app.Setting(err)
	}
	defer stop()
	exec, err := mcq.New(mcq.Config{Tasks: cfg.Tasks, Metrics: reg, Log: p.Log})
	if err != nil {
		return app.Setting(err)
	}
	up, err := cfg.Dial(p.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, up.Close()) }()

	p.Ready()
	defer context.AfterFunc(ctx, p.Stopping)()
	return up.Serve(ctx, cfg.Concurrency, 0, exec)
}
