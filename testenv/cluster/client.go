package cluster

import (
	"fmt"
	"sync"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// pingEvery is how often a client is heard of (PROTOCOL.md 1.4).
const pingEvery = time.Second

// Client is a webapp's side of a connection. When its connection breaks, or it
// is told that it is unknown, it gives up its jobs and says hello again.
type Client struct {
	cluster *Cluster
	dealer  *wiretest.Dealer
	over    chan struct{}

	mu      sync.Mutex
	peer    wire.Peer
	known   bool          // the backend answered the hello on this connection
	offers  bool          // and has the environment
	pause   chan struct{} // not nil while nothing is read
	changed chan struct{} // closed and replaced when any of them changes
	hellos  int
}

// NewClient connects another client and waits until the backend knows it.
func (c *Cluster) NewClient() *Client { return c.NewClientAs("") }

// NewClientAs is NewClient for one that announces an identity. Webapps do not.
func (c *Cluster) NewClientAs(identity string) *Client {
	cl := &Client{cluster: c, dealer: c.net.Dial(clientsAddr, identity), over: make(chan struct{}), changed: make(chan struct{})}
	c.clients = append(c.clients, cl)
	go cl.run()
	cl.await(func() bool { return cl.known })
	return cl
}

// Submit submits n jobs and returns their ids. It waits for a connection first.
func (cl *Client) Submit(n int, work Work) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = cl.cluster.newID()
	}
	cl.submit(ids, environment.Name, 0, work)
	return ids
}

// SubmitAs submits a job with that id for an environment of that name.
func (cl *Client) SubmitAs(id, env string, work Work) { cl.submit([]string{id}, env, 0, work) }

// SubmitReplay submits a job with that id that all others go before.
func (cl *Client) SubmitReplay(id string, work Work) {
	cl.submit([]string{id}, environment.Name, 1, work)
}

// submit submits jobs at one moment: the connection does not break in between.
func (cl *Client) submit(ids []string, env string, priority int64, work Work) {
	cl.await(func() bool { return cl.known })
	cl.mu.Lock()
	defer cl.mu.Unlock()
	for _, id := range ids {
		cl.cluster.book.submitted(cl, cl.peer, id, work)
		cl.say(&wire.ClientNewJob{
			JobID: id, Priority: priority, CourseID: wire.Nullable{Value: "course"}, TaskID: wire.Nullable{Value: "task"},
			InputData: wire.Raw("\x81\xa6@state\xa6before"), EnvironmentType: environment.Type, Environment: env, Launcher: "someone",
		})
	}
}

// Kill asks for the end of a job, if there is a connection.
func (cl *Client) Kill(id string) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.say(&wire.ClientKillJob{JobID: id})
}

// Pause makes the client read nothing any more, while it goes on to send; or
// ends that.
func (cl *Client) Pause(on bool) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	switch {
	case on && cl.pause == nil:
		cl.pause = make(chan struct{})
	case !on && cl.pause != nil:
		close(cl.pause)
		cl.pause = nil
	}
	cl.notify()
}

// Cut breaks the connection and returns when both sides know. The client makes
// another at once.
func (cl *Client) Cut() {
	cl.dealer.Cut()
	synctest.Wait()
}

// Disconnect ends the client for good.
func (cl *Client) Disconnect() {
	cl.Pause(false)
	cl.dealer.Kill()
	<-cl.over
}

// Vanish ends the client as a machine that loses its power: the backend is not told.
func (cl *Client) Vanish() {
	cl.dealer.Partition(true)
	cl.Disconnect()
}

// Hellos returns how often the client registered.
func (cl *Client) Hellos() int {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return cl.hellos
}

func (cl *Client) awaitEnvironment() { cl.await(func() bool { return cl.offers }) }

// await waits until ok, which looks at fields guarded by cl.mu.
func (cl *Client) await(ok func() bool) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		cl.mu.Lock()
		done, changed := ok(), cl.changed
		cl.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			cl.cluster.t.Fatal("the backend does not answer a client's hello")
		}
	}
}

// notify wakes who awaits. The caller holds cl.mu.
func (cl *Client) notify() {
	close(cl.changed)
	cl.changed = make(chan struct{})
}

func (cl *Client) run() {
	defer close(cl.over)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		cl.mu.Lock()
		pause, changed := cl.pause, cl.changed
		cl.mu.Unlock()
		events := cl.dealer.Events()
		if pause != nil {
			events = nil
		}
		select {
		case <-pause:
		case <-changed:
		case ev, open := <-events:
			if !open {
				cl.cluster.book.abandoned(cl, 0)
				return
			}
			cl.onEvent(ev)
		case <-ping.C:
			cl.mu.Lock()
			cl.say(&wire.Ping{})
			cl.mu.Unlock()
		}
	}
}

func (cl *Client) onEvent(ev wire.Event) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	switch ev.Kind {
	case wire.PeerUp:
		cl.peer = ev.Peer
		cl.hello()
	case wire.PeerDown:
		cl.lost()
		cl.peer = 0
	case wire.PeerMessage:
		m, err := wire.NewDialect(wire.GH, wire.Limits{}).Decode(ev.Frame)
		if err != nil {
			cl.cluster.book.wrong("a client was sent %q: %v", ev.Frame, err)
			return
		}
		cl.onMessage(m)
	}
}

func (cl *Client) onMessage(m wire.Message) {
	book := cl.cluster.book
	switch m := m.(type) {
	case *wire.BackendUpdateEnvironments:
		cl.known, cl.offers = true, len(m.Available) > 0
		cl.notify()
	case *wire.BackendJobStarted:
		book.started(cl, cl.peer, m.JobID)
	case *wire.BackendJobDone:
		book.answered(cl, cl.peer, m)
	case *wire.Unknown:
		cl.lost()
		cl.hello()
	case *wire.Pong:
	default:
		book.wrong("a client was sent %T", m)
	}
}

// hello registers. The caller holds cl.mu, here and below.
func (cl *Client) hello() {
	cl.hellos++
	cl.say(&wire.ClientHello{Name: "me"})
}

// lost gives up the jobs of the present connection.
func (cl *Client) lost() {
	cl.known, cl.offers = false, false
	cl.cluster.book.abandoned(cl, cl.peer)
	cl.notify()
}

// say sends m, if there is a connection. One that breaks meanwhile tells so.
func (cl *Client) say(m wire.Message) {
	frame, err := wire.NewDialect(wire.GH, wire.Limits{}).Append(nil, m)
	if err != nil {
		cl.cluster.t.Fatal(fmt.Errorf("encode %T: %w", m, err))
	}
	if cl.peer != 0 && cl.dealer.Send(cl.peer, frame) != nil {
		cl.dealer.Drop(cl.peer, nil)
	}
}
