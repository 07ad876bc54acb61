package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Config says how an agent presents itself and how patient it is.
type Config struct {
	// FriendlyName is shown in queue listings. It may be empty.
	FriendlyName string
	// Slots is how many jobs the backend may give at once, at least 1.
	Slots int
	// Wire is the generation of the backend; zero means the newest.
	Wire wire.Generation
	// Limits bound what a message may make the agent do.
	Limits wire.Limits
	// Silence is how long the backend may say nothing before its connection is
	// given up and made again. Default 10 s (PROTOCOL.md 1.4).
	Silence time.Duration
	// Drain is how long running jobs may go on once the agent is told to stop.
	// After it they end with a result that says so. Zero ends them at once.
	Drain time.Duration
	// Log must not be nil.
	Log *slog.Logger
}

const defaultSilence = 10 * time.Second

// validate fills in defaults and refuses what cannot work.
func (c *Config) validate() error {
	if c.Slots < 1 {
		return fmt.Errorf("agent: %d slots: at least one is needed", c.Slots)
	}
	if c.Log == nil {
		return errors.New("agent: no logger")
	}
	if c.Wire == 0 {
		c.Wire = wire.GH
	}
	if c.Silence <= 0 {
		c.Silence = defaultSilence
	}
	return nil
}
