// Package backend is the process around the scheduler: it joins two sockets, a
// clock and a log to [sched.State].
//
// One goroutine, that of [Backend.Run], owns the state and what is known of each
// peer. Whatever happens reaches it as an event; what follows is carried out at
// once and never blocks, since sending only puts a frame into a queue of its
// peer. Others who want to look or to act send a function ([Backend.Ask]) or an
// event ([Backend.Tell]).
//
//	frame → wire.Dialect.Decode → sched.Event → State.Step → Effect → Append → frame
//
// A peer that sends what cannot be decoded or what its side never sends is
// logged, counted and disconnected, and nothing else changes. So is one that
// does not read: its socket ends it after a time without progress, or its queue is
// full, and nobody waits for it. Jobs, pings and listings fill an eighth of a
// queue, so that results find room however many come together. A job or a result
// over a limit is answered with a crash, as its peer may mean well.
//
// Listings of the queue are the only long messages that the backend makes up
// itself. A second goroutine sorts and encodes them, from a copy, so that a ping
// is answered at once however long the queue is.
package backend
