package main

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// config is the command line.
type config struct {
	app.Flags

	Agent  string `arg:"" help:"Address to bind for agents, as tcp://127.0.0.1:2001."`
	Client string `arg:"" help:"Address to bind for clients, as tcp://127.0.0.1:2000."`

	QueueLimit       int           `default:"1000000" help:"Jobs that may wait; more are refused. 0: no limit."`
	ClientLimit      int           `default:"0" help:"Jobs that one client connection may have. 0: no limit."`
	AgentGrace       time.Duration `default:"10s" help:"How long an agent of ours may be away before its jobs are taken from it."`
	EnvironmentGrace time.Duration `default:"1m" help:"How long an environment is still offered after its last agent left."`
	Unrunnable       time.Duration `default:"5m" help:"How long a job waits while no agent has its environment. 0: for ever."`
	RetryStarted     bool          `help:"Try a job once more if its agent is lost after it started."`
	KeepOrphans      bool          `help:"Let a running job go on when its client is gone, instead of killing it."`

	MaxPeers int           `default:"4096" help:"Connections taken on each address."`
	Drain    time.Duration `default:"10s" help:"How long to go on for running jobs after SIGTERM."`

	HTTP          string `placeholder:"ADDR" help:"Serve status page, metrics and health here, as 127.0.0.1:2080. It shows who submitted what."`
	HTTPTokenFile string `placeholder:"FILE" help:"File with the token that lets operators kill jobs and drain agents."`

	app.Limits
	app.TLS
	app.Plain
}

func (c *config) backend(limits wire.Limits, log *slog.Logger, reg prometheus.Registerer) backend.Config {
	return backend.Config{Sched: c.sched(), Limits: limits, Drain: c.Drain, Log: log, Metrics: reg}
}

func (c *config) sched() sched.Config {
	s := sched.DefaultConfig()
	s.QueueLimit, s.ClientLimit = c.QueueLimit, c.ClientLimit
	s.AgentGrace, s.EnvironmentGrace, s.Unrunnable = c.AgentGrace, c.EnvironmentGrace, c.Unrunnable
	s.RetryStarted, s.KeepOrphans = c.RetryStarted, c.KeepOrphans
	return s
}

func (c *config) socket(log *slog.Logger, certs *app.Certificates) zmtp.Config {
	return zmtp.Config{MaxMessage: c.MaxMessage, MaxPeers: c.MaxPeers, QueueBytes: c.MaxQueue, Log: log, TLS: certs.Server()}
}
