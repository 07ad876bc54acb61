// Package wire holds the messages that clients, the backend and agents
// exchange, and the two ends of the socket they travel through.
//
// There is one model for all generations of the protocol. How a peer wants a
// message spelled (names, field sets, shape of a job id) is that peer's
// [Dialect]: it learns from what it decodes and mirrors it in what it encodes.
// Nobody outside this package sees a generation's layout.
//
// All about a message is in one table, its layout: the fields in their order, the
// generations that have each, and how it gets into and out of the model. Layouts
// are walked by hand over msgp's functions, because a message must have exactly
// its fields, shares memory with its frame and has up to seven spellings. What has
// one fixed shape is generated: the rows of the queue here, and the messages of
// wire/grading and wire/student. PROTOCOL.md is the contract; a test compares its
// tables with the layouts.
//
// A frame is checked as a whole, in one pass, before anything is built from it
// (see [Limits.Check]); then each field reads its own value.
//
// Values that are only passed on (inputs, problems, tests, custom data) are
// [Raw]: one msgpack value, kept byte for byte and never decoded on the way.
//
// Everything decoded here comes from a stranger. Sizes are checked before
// anything is allocated, and bad bytes give an error that names what was wrong
// and change nothing.
package wire
