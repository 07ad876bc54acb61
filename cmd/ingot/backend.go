package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/cmd/internal/client"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// backendFlags say how to reach a backend.
type backendFlags struct {
	Backend  string        `short:"b" default:"tcp://127.0.0.1:2000" env:"INGOT_CLIENT_ADDRESS" help:"Client address of the backend (${default})."`
	Patience time.Duration `default:"15s" help:"How long to wait for the backend to answer at all (${default})."`
	app.TLS
}

// connect returns a client that the backend has answered, and what it offers.
// The caller must call the returned function at the end.
func (f backendFlags) connect(ctx context.Context) (*client.Client, []wire.EnvironmentNames, func(), error) {
	certs, err := f.Load(f.Backend)
	if err != nil {
		return nil, nil, nil, err
	}
	end, err := zmtp.Dial(f.Backend, zmtp.Config{TLS: certs.Client(), Log: warnings()})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("connect: %w", err)
	}
	c := client.New(end, wire.Limits{})
	closeBoth := func() {
		c.Close()
		_ = end.Close() // flushes as much as it can
	}
	patience, done := context.WithTimeoutCause(ctx, f.Patience, fmt.Errorf("no backend answers at %s", f.Backend))
	defer done()
	envs, err := c.Environments(patience)
	if err != nil {
		closeBoth()
		return nil, nil, nil, err
	}
	return c, envs, closeBoth, nil
}

// ask connects and calls do, whose context ends when the backend's queue has been
// waited for too long.
func (f backendFlags) ask(ctx context.Context, do func(context.Context, *client.Client) error) error {
	c, _, done, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeoutCause(ctx, f.Patience, errNoQueue)
	defer cancel()
	return do(ctx, c)
}

var errNoQueue = errors.New("the backend did not list its queue")

// offered returns an error that lists what there is, unless envs has the environment.
func offered(envs []wire.EnvironmentNames, typ, name string) error {
	var all []string
	for _, e := range envs {
		if e.Type == typ && slices.Contains(e.Names, name) {
			return nil
		}
		for _, n := range e.Names {
			all = append(all, e.Type+"/"+n)
		}
	}
	if len(all) == 0 {
		return errors.New("the backend offers no environments: is an agent connected to it?")
	}
	return fmt.Errorf("the backend does not offer %s/%s, but %s", typ, name, strings.Join(all, ", "))
}

// awaitAgents waits until the environments of all jobs are offered.
func (c *demoCmd) awaitAgents(ctx context.Context, cl *client.Client, jobs []*wire.ClientNewJob) error {
	ctx, done := context.WithTimeoutCause(ctx, c.AgentWait, errNoAgent)
	defer done()
	var last error
	_, err := cl.Await(ctx, func(envs []wire.EnvironmentNames) bool {
		for _, j := range jobs {
			if last = offered(envs, j.EnvironmentType, j.Environment); last != nil {
				return false
			}
		}
		return true
	})
	if errors.Is(err, errNoAgent) {
		return last
	}
	return err
}

var errNoAgent = errors.New("no agent offers the environment")
