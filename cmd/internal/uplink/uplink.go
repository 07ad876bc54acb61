package uplink

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// Connection is the flags of an agent's connection. A program's configuration
// embeds it by value.
type Connection struct {
	Backend string `arg:"" help:"Address of the backend for agents, such as tcp://backend:2001 or tls://backend:2001."`

	FriendlyName       string `help:"Name of this agent in queue listings; the host's name if not given."`
	Wire               string `default:"head" placeholder:"VERSION" help:"Protocol of a Python backend: 0.7, 0.8.0, 0.8, 0.9 or head (${default}). A backend of ours takes any."`
	DisableAutorestart bool   `help:"Accepted for compatibility: this agent does not restart itself."`

	app.Limits
	app.TLS
	app.Plain
}

// flush is how long the last results may take to be written. Most take no time, and
// a backend that reads nothing is given up before.
const flush = 30 * time.Second

// Uplink is an agent's end of the connection.
type Uplink struct {
	end *zmtp.Dealer
	cfg agent.Config
}

// Dial starts connecting to the backend. What is wrong with the flags is an
// [app.Usage] error. The caller must Close the uplink.
func (f *Connection) Dial(log *slog.Logger) (*Uplink, error) {
	generation, err := wire.ParseGeneration(f.Wire)
	if err == nil && generation < wire.G7 {
		err = fmt.Errorf("%s is too old for this agent", f.Wire)
	}
	if err != nil {
		return nil, app.Usage(fmt.Errorf("--wire: %w", err))
	}
	limits, err := f.Limits.Wire()
	if err != nil {
		return nil, app.Usage(err)
	}
	certs, err := f.Load(f.Backend)
	if err != nil {
		return nil, app.Usage(err)
	}
	plain, err := f.Credentials()
	if err != nil {
		return nil, app.Usage(err)
	}
	name := f.FriendlyName
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("find a name: %w", err)
		}
	}
	// A backend of ours knows by the identity which jobs are still here after
	// the connection broke. It changes with every start, as the jobs do.
	end, err := zmtp.Dial(f.Backend, zmtp.Config{
		Identity: wire.IdentityPrefix + rand.Text(), NumberConnections: true, MaxMessage: f.MaxMessage,
		QueueMessages: math.MaxInt, QueueBytes: math.MaxInt64, // see agent.Run
		Linger: flush,
		TLS:    certs.Client(), Plain: plain, Log: log,
	})
	if err != nil {
		return nil, app.Usage(err)
	}
	return &Uplink{end: end, cfg: agent.Config{FriendlyName: name, Wire: generation, Limits: limits, Log: log}}, nil
}

// Serve grades what the backend sends until ctx ends; see [agent.Run].
func (u *Uplink) Serve(ctx context.Context, slots int, drain time.Duration, exec agent.Executor) error {
	cfg := u.cfg
	cfg.Slots, cfg.Drain = slots, drain
	return agent.Run(ctx, cfg, u.end, exec)
}

// Close flushes what is queued and returns when the connection is closed.
func (u *Uplink) Close() error {
	err := u.end.Close()
	for range u.end.Events() { // until the last connection is down
	}
	if err != nil {
		return fmt.Errorf("close the connection: %w", err)
	}
	return nil
}
