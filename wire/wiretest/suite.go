package wiretest

import (
	"slices"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// ClosableRouter is a [wire.Router] with its Close.
type ClosableRouter interface {
	wire.Router
	Close() error
}

// ClosableDealer is a [wire.Dealer] with its Close.
type ClosableDealer interface {
	wire.Dealer
	Close() error
}

// Ends is what [Suite] tests: a way to make the two ends. The queues of each must
// hold [SuiteQueue] messages, they must take [SuiteMessage] bytes, and a Dealer must pause for less than a second
// between its attempts.
type Ends struct {
	// Listen makes a Router, always at the same address, which is free again when
	// the Router before was closed.
	Listen func() (ClosableRouter, error)
	// Dial makes a Dealer that connects to that address with this identity.
	Dial func(identity string) (ClosableDealer, error)
}

// SuiteQueue is how many messages a queue must hold in the suite, and SuiteMessage
// how many bytes a message may have.
const (
	SuiteQueue   = 64
	SuiteMessage = 10 << 20
)

// Suite checks that a Router and a Dealer keep the contracts of package wire.
// Run is called once for each test: it makes fresh ends and calls test with them,
// inside a testing/synctest bubble if it likes.
func Suite(t *testing.T, run func(t *testing.T, test func(t *testing.T, ends Ends))) {
	tests := []struct {
		name string
		test func(*harness)
	}{
		{"events of a peer come in order", eventsInOrder},
		{"frames arrive in order both ways", framesInOrder},
		{"empty and large frames arrive as they are", oddSizes},
		{"of a job that is too long its id arrives", excess},
		{"a message that is too long ends its connection", nonsense},
		{"a peer that never was is refused", unknownPeer},
		{"a peer is never used again", peersNotReused},
		{"a drop hands up its cause", dropCause},
		{"a dealer waits for its router", dealerFirst},
		{"a dealer finds a new router at the address", routerRestart},
		{"peers without identity get their own", madeUpIdentities},
		{"an identity is kept over connections", identityKept},
		{"the newest of one identity stays", handover},
		{"a full queue is an error", queueFull},
		{"offers leave most of a queue", offers},
		{"what a dealer has yet to write is told", queued},
		{"a stalled peer does not stop another", stalledPeer},
		{"a received frame is the receiver's", frameOwned},
		{"closing a router flushes and ends its peers", closeRouter},
		{"closing a dealer flushes", closeDealer},
		{"sends, drops and closes may race", raceEnds},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, ends Ends) {
				h := &harness{t: t, ends: ends}
				defer h.closeAll()
				tt.test(h)
			})
		})
	}
}

// harness keeps what a test made, to end it.
type harness struct {
	t     *testing.T
	ends  Ends
	close []func()
}

// patience is how long an event that must come may take.
const patience = 20 * time.Second

func (h *harness) listen() ClosableRouter {
	h.t.Helper()
	r, err := h.ends.Listen()
	if err != nil {
		h.t.Fatalf("listen: %v", err)
	}
	h.close = append(h.close, func() { finish(h.t, r, r.Close) })
	return r
}

func (h *harness) dial(identity string) ClosableDealer {
	h.t.Helper()
	d, err := h.ends.Dial(identity)
	if err != nil {
		h.t.Fatalf("dial: %v", err)
	}
	h.close = append(h.close, func() { finish(h.t, d, d.Close) })
	return d
}

type hasEvents interface{ Events() <-chan wire.Event }

// finish closes an end and reads what it still has to say.
func finish(t *testing.T, e hasEvents, shut func() error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range e.Events() { // the test is over
		}
	}()
	if err := shut(); err != nil {
		t.Errorf("close: %v", err)
	}
	<-done
}

// closeAll closes the newest end first: the Router, made before its Dealers,
// then has nobody to wait for.
func (h *harness) closeAll() {
	for _, f := range slices.Backward(h.close) {
		f()
	}
}

// next returns the next event, which must be of this kind.
func (h *harness) next(e hasEvents, kind wire.EventKind) wire.Event {
	h.t.Helper()
	select {
	case ev, ok := <-e.Events():
		if !ok || ev.Kind != kind {
			h.t.Fatalf("event %+v (open: %v), want kind %d", ev, ok, kind)
		}
		return ev
	case <-time.After(patience):
		h.t.Fatalf("no event, want kind %d", kind)
	}
	return wire.Event{}
}

// turnover returns the end of one connection of r and the start of the next. A
// dealer may be back before the router has told the end: the order of events is
// that of one peer, not of several.
func (h *harness) turnover(r hasEvents) (down, up wire.Event) {
	h.t.Helper()
	for down.Kind == 0 || up.Kind == 0 {
		select {
		case ev := <-r.Events():
			switch ev.Kind {
			case wire.PeerDown:
				down = ev
			case wire.PeerUp:
				up = ev
			default:
				h.t.Fatalf("event %+v, want an end and a start", ev)
			}
		case <-time.After(patience):
			h.t.Fatalf("down %+v and up %+v, want both", down, up)
		}
	}
	return down, up
}

// pair returns both ends of a connection and its name on each.
func (h *harness) pair() (r ClosableRouter, rp wire.Peer, d ClosableDealer, dp wire.Peer) {
	h.t.Helper()
	r, d = h.listen(), h.dial("")
	return r, h.next(r, wire.PeerUp).Peer, d, h.next(d, wire.PeerUp).Peer
}

type sender interface {
	Send(wire.Peer, []byte) error
}

func (h *harness) send(e sender, p wire.Peer, text string) {
	h.t.Helper()
	if err := e.Send(p, []byte(text)); err != nil {
		h.t.Fatalf("send %.40q: %v", text, err)
	}
}

// want reads a message that must be text, and returns its peer.
func (h *harness) want(e hasEvents, text string) wire.Peer {
	h.t.Helper()
	ev := h.next(e, wire.PeerMessage)
	if string(ev.Frame) != text {
		h.t.Fatalf("message %.40q of %d bytes, want %.40q of %d", ev.Frame, len(ev.Frame), text, len(text))
	}
	return ev.Peer
}
