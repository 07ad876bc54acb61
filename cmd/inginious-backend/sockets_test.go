package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// Credentials are asked of agents, and not of clients, who know none.
func TestPlainIsForAgents(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(file, []byte("agent:secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config{Agent: "tcp://127.0.0.1:0", Client: "tcp://127.0.0.1:0", Plain: app.Plain{PlainFile: file}}
	agents, clients, stop, err := listen(&c, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
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
