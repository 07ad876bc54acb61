package wire

import (
	"errors"
	"strings"
)

// The answers of a Send that did not take the frame.
var (
	ErrNoPeer    = errors.New("no such peer")
	ErrQueueFull = errors.New("the peer's queue is full")
)

// OfferShare says how much of a peer's queue Offer fills: one in so many of the
// bytes and of the messages that Send takes.
const OfferShare = 8

// Peer names one connection of a [Router]. It is never used again for another
// connection, not even for one of the same peer.
type Peer uint64

// IdentityPrefix begins the routing ids of agents that a backend of this project
// can know again on another connection. Such an id names one life of an agent's
// process, in which it forgets no job. Other ids promise nothing: libzmq makes one
// up for each connection, and a configured one would outlive a restart. What comes
// behind a dot is of the connection.
const IdentityPrefix = "ingot-"

// LifeOf returns what a routing id says of the life of an agent's process: nothing if
// it promises nothing.
func LifeOf(routing string) string {
	if !strings.HasPrefix(routing, IdentityPrefix) {
		return ""
	}
	life, _, _ := strings.Cut(routing, ".")
	return life
}

// EventKind says what an [Event] tells.
type EventKind uint8

// For each Peer: one PeerUp, any number of PeerMessage, PeerExcess and PeerAlive,
// one PeerDown, in this order.
const (
	PeerUp EventKind = iota + 1
	PeerMessage
	PeerDown
	PeerAlive  // more of a message arrived that takes long; about once a second
	PeerExcess // a message came that is longer than the end takes, and was not kept
)

// Event is something that happened on an end of the wire.
type Event struct {
	Kind      EventKind
	Peer      Peer
	RoutingID string  // with PeerUp: the peer's ZeroMQ routing id
	Addr      string  // with PeerUp: the peer's network address, for logs
	Frame     []byte  // with PeerMessage: the payload, the receiver's from then on
	Excess    Message // with PeerExcess: what [Skim] told of it; others end the connection
	Err       error   // with PeerDown: why
}

// Router is the end that peers connect to. It is implemented by wire/zmtp and,
// for tests, by wire/wiretest; both pass the suite in wire/wiretest. Send and
// Drop may be called from any goroutine.
type Router interface {
	// Events returns the one channel of events. Whoever owns the Router must
	// keep reading it. It is closed after Close, when the last PeerDown is read.
	Events() <-chan Event
	// Send queues frame for p and never blocks: nil, ErrNoPeer or ErrQueueFull.
	// Frames to one peer arrive in order. The frame must not change afterwards.
	// Nil does not promise delivery: a PeerDown may follow.
	Send(p Peer, frame []byte) error
	// Offer is Send for a frame that may be left out or sent later: it answers
	// ErrQueueFull as soon as OfferShare of the queue is used. So there is room for
	// what must not be lost, however much else there is to say.
	Offer(p Peer, frame []byte) error
	// Drop closes p's connection. Its PeerDown follows with that cause.
	// What is queued for p is discarded. Unknown peers are ignored.
	Drop(p Peer, cause error)
	// Release gives back the memory of a frame that Events brought, for another
	// one to use. It is never needed, and pays for long frames. Nothing may look
	// at the frame any more, nor at a part of it. Any goroutine may call it.
	Release(frame []byte)
}

// Dealer is the end that connects. It reconnects for ever by itself: each
// connection is a new Peer with its own PeerUp and PeerDown. Send and Drop may
// be called from any goroutine.
type Dealer interface {
	// Events is as in Router.
	Events() <-chan Event
	// Send queues frame for the connection p, as Router.Send does. A frame for
	// a connection that has ended is refused with ErrNoPeer, never kept.
	Send(p Peer, frame []byte) error
	// Queued is how many bytes of the frames for p have yet to reach the other side's
	// kernel, as far as ours knows, and perhaps a few more. What did may still be
	// lost. Not ok: the connection has ended, though its PeerDown may not have been
	// read, and nobody knows what of them arrived.
	Queued(p Peer) (bytes int64, ok bool)
	// Drop ends the connection p; the next one is made after the usual pause.
	Drop(p Peer, cause error)
	// Release is as in Router.
	Release(frame []byte)
}
