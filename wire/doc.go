// Package wire holds the messages that clients, the backend and agents
// exchange, and the two ends of the socket they travel through.
//
// There is one model for all generations of the protocol. How a peer wants a
// message spelled (names, field sets, shape of a job id) is that peer's
// [Dialect]: it learns from what it decodes and mirrors it in what it encodes.
// Nobody outside this package sees a generation's layout.
//
// Values that are only passed on (inputs, problems, tests, custom data) are
// [Raw]: one msgpack value, kept byte for byte and never decoded on the way.
//
// Everything decoded here comes from a stranger. Sizes are checked before
// anything is allocated, and bad bytes give an error that names what was wrong
// and change nothing.
package wire
