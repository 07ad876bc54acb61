package backend

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// rig is a backend between two sockets in memory, in a bubble of synctest.
type rig struct {
	t       *testing.T
	net     *wiretest.Network
	agents  *wiretest.Router
	clients *wiretest.Router
	backend *Backend
	ended   chan error
	stop    context.CancelCauseFunc
}

// queueJobs is how many jobs wait in the queue of an agent of a rig.
const queueJobs = 100

// maxMessage is how many bytes the sockets of a rig take.
const maxMessage = 100_000

var errEnough = errors.New("enough")

// inBubble runs test with a backend that serves until the test ends.
func inBubble(t *testing.T, cfg Config, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, net: wiretest.NewNetwork(wiretest.Config{QueueMessages: queueJobs * wire.OfferShare, MaxMessage: maxMessage}), ended: make(chan error, 1)}
		var err error
		if r.agents, err = r.net.Listen("agents"); err != nil {
			t.Fatal(err)
		}
		if r.clients, err = r.net.Listen("clients"); err != nil {
			t.Fatal(err)
		}
		cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
		r.backend = New(r.agents, r.clients, cfg)
		ctx, stop := context.WithCancelCause(t.Context())
		r.stop = stop
		go func() { r.ended <- r.backend.Run(ctx) }()
		defer r.close() // also when test calls Fatal
		test(r)
	})
}

func (r *rig) close() {
	r.stop(errEnough)
	r.agents.Kill()
	r.clients.Kill()
	<-r.backend.done
	for range r.agents.Events() {
	}
	for range r.clients.Events() {
	}
}

func defaults() Config { return Config{Sched: sched.DefaultConfig(), Drain: 10 * time.Second} }

// remote is an agent or a client that a test plays.
type remote struct {
	t       *testing.T
	dealer  *wiretest.Dealer
	dialect *wire.Dialect
	got     chan wire.Message // what it received, pings not among them
	peers   chan wire.Peer    // its connections
	lost    chan struct{}     // one for each that ended
	reads   chan struct{}     // holds a token, which it needs to read; see pause
	peer    wire.Peer
}

// dial connects to an address and waits until it is up.
func (r *rig) dial(addr, identity string, gen wire.Generation) *remote {
	m := &remote{
		t: r.t, dealer: r.net.Dial(addr, identity), dialect: wire.NewDialect(gen, wire.Limits{}),
		got: make(chan wire.Message, 1000), peers: make(chan wire.Peer, 10), lost: make(chan struct{}, 10), reads: make(chan struct{}, 1),
	}
	m.reads <- struct{}{}
	r.t.Cleanup(m.dealer.Kill)
	go m.read(gen)
	m.peer = <-m.peers
	return m
}

// read takes in events until the dealer is closed.
func (m *remote) read(gen wire.Generation) {
	dialect := wire.NewDialect(gen, wire.Limits{})
	for ev := range m.dealer.Events() {
		m.reads <- <-m.reads
		switch ev.Kind {
		case wire.PeerUp:
			m.peers <- ev.Peer
		case wire.PeerDown:
			m.lost <- struct{}{}
		case wire.PeerMessage:
			msg, err := dialect.Decode(ev.Frame)
			if err != nil {
				m.t.Errorf("the backend sent %q: %v", ev.Frame, err)
				continue
			}
			if _, ping := msg.(*wire.Ping); !ping {
				m.got <- msg
			} else if pong, err := wire.NewDialect(gen, wire.Limits{}).Append(nil, &wire.Pong{}); err == nil {
				m.dealer.Send(ev.Peer, pong) // an error means that the connection is gone
			}
		}
	}
}

// pause makes m read nothing, while it can go on to speak, until the function
// returned is called.
func (m *remote) pause() (resume func()) {
	<-m.reads
	return func() { m.reads <- struct{}{} }
}

func (m *remote) say(msgs ...wire.Message) {
	m.t.Helper()
	for _, msg := range msgs {
		frame, err := m.dialect.Append(nil, msg)
		if err != nil {
			m.t.Fatal(err)
		}
		m.raw(frame)
	}
}

func (m *remote) raw(frame []byte) {
	m.t.Helper()
	if err := m.dealer.Send(m.peer, frame); err != nil {
		m.t.Fatal(err)
	}
}

// hear returns the next message, which must be a T.
func hear[T wire.Message](m *remote) T {
	m.t.Helper()
	var got T
	select {
	case msg := <-m.got:
		ok := false
		if got, ok = msg.(T); !ok {
			m.t.Fatalf("heard %T %+v, want %T", msg, msg, got)
		}
	case <-time.After(time.Minute):
		m.t.Fatalf("heard nothing, want %T", got)
	}
	return got
}

// quiet fails the test if m has heard or hears anything.
func (m *remote) quiet() {
	m.t.Helper()
	synctest.Wait()
	if len(m.got) > 0 {
		m.t.Fatalf("heard %+v", <-m.got)
	}
}

func (r *rig) client(gen wire.Generation) *remote {
	c := r.dial("clients", "", gen)
	c.say(&wire.ClientHello{Name: "me"})
	hear[*wire.BackendUpdateEnvironments](c)
	return c
}

func (r *rig) agent(identity string, gen wire.Generation, slots int64) *remote {
	a := r.dial("agents", identity, gen)
	a.hello(slots)
	if strings.HasPrefix(identity, wire.IdentityPrefix) {
		hear[*wire.Unknown](a) // the greeting
	}
	return a
}

func (m *remote) hello(slots int64) {
	env := wire.Environment{Type: "docker", Name: "default", ID: "sha256:1", Title: "Default", Created: 1, Ports: []int64{}, Advertised: true}
	m.say(&wire.AgentHello{FriendlyName: "agent", Slots: slots, Environments: []wire.Environment{env}})
	synctest.Wait()
}

// job is a job with everything in it.
func job(id string) *wire.ClientNewJob {
	return &wire.ClientNewJob{
		JobID: id, CourseID: wire.Nullable{Value: "course"}, TaskID: wire.Nullable{Value: "task"},
		TaskProblems:    wire.Raw("\x81\xa1p\x81\x01\xc3"),          // {"p": {1: true}}
		InputData:       wire.Raw("\x81\xa6@state\xd9\x01s"),        // {"@state": "s"}, with a header longer than need be
		Parameters:      wire.Raw("\x81\xa6limits\x81\xa4time\x1e"), // {"limits": {"time": 30}}
		EnvironmentType: "docker", Environment: "default", Launcher: "someone",
	}
}
