// Package zmtp is a dependable ROUTER and a dependable DEALER of ZeroMQ, in
// pure Go. They satisfy [wire.Router] and [wire.Dealer] and talk with libzmq
// peers (PROTOCOL.md 1.1).
//
// The greeting, the security mechanism and the READY command are those of
// go-zeromq/zmq4, run on a guarded connection that refuses what would make that
// library allocate or crash. Everything after READY is done here, because a
// server must not depend on how one of its peers behaves:
//
//   - Each handshake has its own goroutine and an absolute deadline. When too
//     many are under way the oldest is closed, so that idle strangers cannot keep
//     a real peer out.
//   - Each peer has one bounded queue, in messages and in bytes, and one writer.
//     Send never blocks. A stalled peer fills its own queue and nobody else's.
//     Offer leaves most of it to what must not be lost.
//   - Each peer has one reader, which waits with the next message until Events
//     has room; a few events have. A peer that floods is slowed down by TCP, and
//     the others take turns with it.
//   - A length is checked before anything is allocated, and a large message costs
//     memory only as its bytes arrive. One over the limit is read and not kept:
//     if it is about a job the owner learns which (see [wire.Skim]), else the
//     connection ends.
//   - PING is answered here and sent to peers of ZMTP 3.1 and later. A peer that
//     stays silent is closed, unless a large message of ours is still moving.
//   - A write may take as long as it makes progress.
//
// Nothing here is acknowledged: a message that Send took, or that the peer sent,
// is lost when the connection ends before it was handed over. Whoever must not
// lose one sends it again after the next PeerUp.
//
// The goroutine that reads a connection owns it: it hands up PeerUp, the
// messages and PeerDown, in this order. Others end a connection by cancelling
// its context with a cause, which PeerDown then carries.
//
// # Addresses
//
//	tcp://127.0.0.1:2001   that address
//	tcp://0.0.0.0:2001     every IPv4 address; to listen only
//	tcp://*:2001           every address of both families; to listen only
//	tcp://[::]:2001        the same
//	tcp://eth0:2001        every address of that interface; to listen only
//	tcp://name:2001        every address of that name
//	tcp://127.0.0.1:*      a free port (0 is the same), see [Router.Addr]; to listen only
//	tls://…                as tcp, with TLS 1.3 and certificates on both sides
//	ipc:///run/x.sock      a unix socket
//	ipc://@name            a unix socket in the abstract namespace
//
// # What is not here
//
// Other socket types, CURVE, ZAP, versions of ZMTP before 3.0, and more than one
// endpoint for one Dealer.
package zmtp
