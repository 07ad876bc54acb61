package main

import (
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// Credentials are asked of agents, and not of clients, who know none.
func TestPlainIsForAgents(t *testing.T) {
	c := config{Agent: "tcp://127.0.0.1:0", Client: "tcp://127.0.0.1:0"}
	agents, clients, stop, err := listen(&c, slog.New(slog.DiscardHandler), nil, &zmtp.Credentials{User: "agent", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(0)
	stranger := connect(t, agents.Addr(), nil)
	wrong := connect(t, agents.Addr(), &zmtp.Credentials{User: "agent", Password: "wrong"})
	agent := connect(t, agents.Addr(), &zmtp.Credentials{User: "agent", Password: "secret"})
	client := connect(t, clients.Addr(), nil)
	for _, up := range []*zmtp.Dealer{agent, client} {
		select {
		case ev := <-up.Events():
			if ev.Kind != wire.PeerUp {
				t.Errorf("event %+v, want a connection", ev)
			}
		case <-time.After(time.Minute):
			t.Fatal("no connection")
		}
	}
	if ev := <-agents.Events(); ev.Kind != wire.PeerUp { // a dealer is up a moment before its router says so
		t.Errorf("event %+v, want the agent", ev)
	}
	if n := agents.Stats().Peers; n != 1 {
		t.Errorf("%d agents, want the one with the right credentials", n)
	}
	for _, down := range []*zmtp.Dealer{stranger, wrong} {
		select {
		case ev := <-down.Events():
			t.Errorf("event %+v of a stranger", ev)
		default:
		}
	}
}

func connect(t *testing.T, addr string, plain *zmtp.Credentials) *zmtp.Dealer {
	t.Helper()
	d, err := zmtp.Dial(addr, zmtp.Config{Plain: plain})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// A queue has room for the longest message and for what is said meanwhile, whatever
// the flags are.
func TestQueueHoldsLongestMessages(t *testing.T) {
	for _, c := range []config{
		{MaxQueue: 1 << 20, Limits: app.Limits{MaxMessage: 256 << 20}},
		{MaxQueue: 256 << 20, Limits: app.Limits{MaxMessage: 1 << 20}},
		{MaxQueue: math.MaxInt64, Limits: app.Limits{MaxMessage: math.MaxInt64}},
	} {
		got := c.socket(slog.New(slog.DiscardHandler), nil).QueueBytes
		if want := 2 * min(max(c.MaxQueue, c.MaxMessage), math.MaxInt64/4); got < want {
			t.Errorf("--max-queue %d --max-message %d: %d bytes", c.MaxQueue, c.MaxMessage, got)
		}
	}
}
