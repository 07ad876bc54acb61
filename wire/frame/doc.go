// Package frame reads and writes length-prefixed frames, the form in which
// messages travel through the stdin and stdout of containers: a length of four
// bytes, big endian, then that many bytes (PROTOCOL.md 5.2).
//
// What is read comes from a process that a student may control. A length is
// checked before anything is allocated for it, and memory grows with what has
// really arrived, not with what was announced.
//
// A [Reader] and a [Writer] belong to one goroutine each. Both reuse their
// buffer: in a steady stream nothing is allocated.
package frame
