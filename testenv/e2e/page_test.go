//go:build browser

package e2e

import (
	"context"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// The status page in a real browser: it updates itself, its buttons work, and
// the browser has nothing to complain about.
func TestStatusPageInChromium(t *testing.T) {
	dir := t.TempDir()
	agents, clients := "ipc://"+filepath.Join(dir, "a"), "ipc://"+filepath.Join(dir, "c")
	url, stop := servePage(t, agents, clients, "secret")
	page := open(t, url)
	page.await(`document.querySelector("main").innerText.includes("No agent is connected")`)

	agent := connect(t, agents)
	agent.say(&wire.AgentHello{FriendlyName: "stub", Slots: 1, Environments: []wire.Environment{
		{Type: "docker", Name: "default", Ports: []int64{}, Advertised: true},
	}})
	page.await(`document.querySelector("main").innerText.includes("docker/default")`)

	client := connect(t, clients)
	client.say(&wire.ClientHello{Name: "me"})
	client.say(&wire.ClientNewJob{JobID: "runs", EnvironmentType: "docker", Environment: "default"})
	client.say(&wire.ClientNewJob{JobID: "waits", EnvironmentType: "docker", Environment: "default"})
	page.await(`document.querySelectorAll("button[data-do=kill]").length == 2`)

	page.eval(`confirm = () => true; document.querySelector("button[data-job=waits]").click()`)
	page.await(`document.querySelector("#answer").innerText == "kill: wrong token"`)
	page.eval(`token.value = "secret"; token.dispatchEvent(new Event("change")); document.querySelector("button[data-job=waits]").click()`)
	page.await(`document.querySelector("#answer").innerText == "kill: done"`)
	page.await(`document.querySelector(".tag.killed") != null && document.querySelectorAll("button[data-do=kill]").length == 1`)
	page.eval(`document.querySelector("button[data-do=drain]").click()`)
	page.await(`document.querySelector(".tag.drained") != null`)

	if len(page.errors) != 1 { // the wrong token's
		t.Errorf("the browser complains: %q", page.errors)
	}
	stop()
	page.await(`document.querySelector("#link").innerText.includes("connection lost")`)
}

// servePage runs a backend with its page until stop is called or the test ends.
func servePage(t *testing.T, agentAddr, clientAddr, token string) (url string, stop func()) {
	t.Helper()
	agents, err := zmtp.Listen(agentAddr, zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	clients, err := zmtp.Listen(clientAddr, zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	b := backend.New(agents, clients, backend.Config{Sched: sched.DefaultConfig(), Metrics: reg})
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	page := httptest.NewServer(b.Handler(token, reg))
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel(errors.New("test over"))
		if err := errors.Join(<-ended, agents.Close(), clients.Close()); err != nil {
			t.Error(err)
		}
		for range agents.Events() {
		}
		for range clients.Events() {
		}
		page.Close()
	}
	t.Cleanup(stop)
	return page.URL, stop
}

// peer is an agent or a client.
type peer struct {
	t       *testing.T
	dealer  *zmtp.Dealer
	dialect *wire.Dialect
	id      wire.Peer
}

func connect(t *testing.T, addr string) *peer {
	t.Helper()
	d, err := zmtp.Dial(addr, zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t, d, wire.NewDialect(wire.GH, wire.Limits{}), (<-d.Events()).Peer}
	pong, err := p.dialect.Append(nil, &wire.Pong{})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		heard := wire.NewDialect(wire.GH, wire.Limits{})
		for ev := range d.Events() {
			if ev.Kind == wire.PeerMessage && heard.DecodeInto(ev.Frame, &wire.Ping{}) == nil {
				d.Send(ev.Peer, pong) // an error means that the connection is gone
			}
		}
	}()
	t.Cleanup(func() { d.Close() })
	return p
}

func (p *peer) say(m wire.Message) {
	p.t.Helper()
	frame, err := p.dialect.Append(nil, m)
	if err == nil {
		err = p.dealer.Send(p.id, frame)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
