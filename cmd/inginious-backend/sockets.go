package main

import (
	"log/slog"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// listen opens both sockets. close flushes and closes them, and returns when
// that is done.
func listen(c *config, log *slog.Logger, certs *app.Certificates) (agents, clients *zmtp.Router, close func(), err error) {
	plain, err := c.Credentials()
	if err != nil {
		return nil, nil, nil, err
	}
	forAgents := c.socket(log.With("side", "agent"), certs)
	forAgents.Plain = plain // clients are webapps, which know no PLAIN
	agents, err = zmtp.Listen(c.Agent, forAgents)
	if err != nil {
		return nil, nil, nil, err
	}
	clients, err = zmtp.Listen(c.Client, c.socket(log.With("side", "client"), certs))
	if err != nil {
		shut(log, agents)
		return nil, nil, nil, err
	}
	return agents, clients, func() { shut(log, agents, clients) }, nil
}

// shut closes routers whose events nobody else reads.
func shut(log *slog.Logger, routers ...*zmtp.Router) {
	for _, r := range routers {
		if err := r.Close(); err != nil {
			log.Warn("socket not closed in order", "err", err)
		}
	}
	for _, r := range routers {
		for range r.Events() { // until the last peer is down
		}
	}
}
