package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
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
	QueueBytes       int64         `default:"4294967296" help:"Bytes of the jobs that may wait; more are refused. 0: no limit."`
	ClientLimit      int           `default:"0" help:"Jobs that one client connection may have. 0: no limit."`
	AgentGrace       time.Duration `default:"10s" help:"How long an agent of ours may be away before its jobs are taken from it."`
	EnvironmentGrace time.Duration `default:"1m" help:"How long an environment is still offered after its last agent left."`
	Unrunnable       time.Duration `default:"5m" help:"How long a job waits while no agent has its environment. 0: for ever."`
	RetryStarted     bool          `help:"Try a job once more if its agent is lost after it started."`
	KeepOrphans      bool          `help:"Let a running job go on when its client is gone, instead of killing it."`

	MaxPeers int           `default:"4096" help:"Connections taken on each address."`
	MaxQueue int64         `default:"268435456" help:"Bytes that may wait for one peer before it gets no more jobs or listings; of results eight times as many may. At least --max-message."`
	Drain    time.Duration `default:"10s" help:"How long to go on after SIGTERM for running jobs, and for clients to read their results."`

	HTTP          string `placeholder:"ADDR" help:"Serve status page, metrics and health here, as 127.0.0.1:2080. It shows who submitted what."`
	HTTPTokenFile string `placeholder:"FILE" help:"File with the token that lets operators kill jobs and drain agents."`

	app.Limits
	app.TLS
	app.Plain
}

// check refuses limits that mean nothing.
func (c *config) check() error {
	if c.QueueLimit < 0 || c.QueueBytes < 0 || c.ClientLimit < 0 || c.AgentGrace < 0 || c.EnvironmentGrace < 0 || c.Unrunnable < 0 || c.Drain < 0 || c.MaxQueue < 0 {
		return errors.New("a limit or a time is negative")
	}
	if c.MaxPeers < 1 {
		return fmt.Errorf("--max-peers %d: at least one is needed", c.MaxPeers)
	}
	return nil
}

func (c *config) backend(limits wire.Limits, log *slog.Logger, reg prometheus.Registerer) backend.Config {
	return backend.Config{Sched: c.sched(), Limits: limits, Drain: c.Drain, Log: log, Metrics: reg}
}

func (c *config) sched() sched.Config {
	s := sched.DefaultConfig()
	s.QueueLimit, s.QueueBytes, s.ClientLimit = c.QueueLimit, c.QueueBytes, c.ClientLimit
	s.AgentGrace, s.EnvironmentGrace, s.Unrunnable = c.AgentGrace, c.EnvironmentGrace, c.Unrunnable
	s.RetryStarted, s.KeepOrphans = c.RetryStarted, c.KeepOrphans
	return s
}

// queueMessages is how many messages may wait for one peer. All jobs of a client may
// be answered at one moment: when nobody can run them, or when the service stops.
const queueMessages = wire.OfferShare << 20

// socket returns the configuration of either socket. A queue has room for several
// of the longest messages: results come together, and what is said while one is
// being written must not end the connection.
func (c *config) socket(log *slog.Logger, certs *app.Certificates) zmtp.Config {
	offers := min(max(c.MaxQueue, c.MaxMessage), math.MaxInt64/wire.OfferShare)
	return zmtp.Config{
		MaxMessage: c.MaxMessage, MaxPeers: c.MaxPeers,
		QueueMessages: queueMessages, QueueBytes: offers * wire.OfferShare,
		Log: log, TLS: certs.Server(),
	}
}
