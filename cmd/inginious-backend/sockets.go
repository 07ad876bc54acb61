package main

import (
	"log/slog"
	"sync"
	"time"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// listen opens both sockets; agents have to show plain, if not nil. done flushes
// them, for linger at most, closes them, and returns when that is done.
func listen(c *config, log *slog.Logger, certs *app.Certificates, plain *zmtp.Credentials) (agents, clients *zmtp.Router, done func(linger time.Duration), err error) {
	forAgents := c.socket(log.With("side", "agent"), certs)
	forAgents.Plain = plain // clients are webapps, which know no PLAIN
	agents, err = zmtp.Listen(c.Agent, forAgents)
	if err != nil {
		return nil, nil, nil, err
	}
	clients, err = zmtp.Listen(c.Client, c.socket(log.With("side", "client"), certs))
	if err != nil {
		shut(log, 0, agents)
		return nil, nil, nil, err
	}
	return agents, clients, func(linger time.Duration) { shut(log, linger, agents, clients) }, nil
}

// shut closes routers whose events nobody else reads, all at one time: a peer that
// one waits for takes no time from the others.
func shut(log *slog.Logger, linger time.Duration, routers ...*zmtp.Router) {
	var closing sync.WaitGroup
	for _, r := range routers {
		closing.Go(func() {
			if err := r.CloseWithin(linger); err != nil {
				log.Warn("socket not closed in order", "err", err)
			}
			for range r.Events() { // until the last peer is down
			}
		})
	}
	closing.Wait()
}
