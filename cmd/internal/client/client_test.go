package client_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ingot-grading/ingot/cmd/internal/client"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// answer is a backend that sends what reply returns for each message, or nothing
// for nil, until its end is closed.
func answer(t *testing.T, r *wiretest.Router, reply func(wire.Message) wire.Message) {
	d := wire.NewDialect(wire.GH, wire.Limits{})
	for ev := range r.Events() {
		if ev.Kind != wire.PeerMessage {
			continue
		}
		m, err := d.Decode(ev.Frame)
		if err != nil {
			t.Error(err)
			continue
		}
		back := reply(m)
		if back == nil {
			continue
		}
		frame, err := d.Append(nil, back)
		if err == nil {
			err = r.Send(ev.Peer, frame)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func TestQuestionsAreAnswered(t *testing.T) {
	network := wiretest.NewNetwork(wiretest.Config{})
	router, err := network.Listen("backend")
	if err != nil {
		t.Fatal(err)
	}
	killed := make(chan string, 1)
	served := make(chan struct{})
	go func() {
		defer close(served)
		answer(t, router, func(m wire.Message) wire.Message {
			switch m := m.(type) {
			case *wire.ClientHello:
				return &wire.BackendUpdateEnvironments{}
			case *wire.ClientGetQueue:
				return &wire.BackendGetQueue{Waiting: []wire.WaitingJob{{JobID: "j"}}}
			case *wire.ClientKillJob:
				killed <- m.JobID
			}
			return nil
		})
	}()
	dealer := network.Dial("backend", "")
	c := client.New(dealer, wire.Limits{})
	if _, err := c.Environments(t.Context()); err != nil {
		t.Fatal(err)
	}
	if q, err := c.Queue(t.Context()); err != nil || len(q.Waiting) != 1 || q.Waiting[0].JobID != "j" {
		t.Errorf("queue %+v, %v", q, err)
	}
	if err := c.Kill(t.Context(), "j"); err != nil || <-killed != "j" {
		t.Errorf("kill: %v", err)
	}
	c.Close()
	if err := errors.Join(dealer.Close(), router.Close()); err != nil {
		t.Error(err)
	}
	<-served
}

// What cannot be sent is no silence: there is no backend at this address.
func TestNothingIsSentWithoutABackend(t *testing.T) {
	dealer := wiretest.NewNetwork(wiretest.Config{}).Dial("nowhere", "")
	c := client.New(dealer, wire.Limits{})
	if _, err := c.Queue(t.Context()); !errors.Is(err, client.ErrLost) {
		t.Errorf("queue: %v", err)
	}
	if err := c.Kill(t.Context(), "j"); !errors.Is(err, client.ErrLost) {
		t.Errorf("kill: %v", err)
	}
	if _, err := c.Submit(t.Context(), &wire.ClientNewJob{JobID: "j"}); !errors.Is(err, client.ErrLost) {
		t.Errorf("submit: %v", err)
	}
	c.Close()
	if err := c.Kill(context.Background(), "j"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("kill after Close: %v", err)
	}
	if err := dealer.Close(); err != nil {
		t.Error(err)
	}
}
