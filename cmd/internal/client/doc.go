// Package client speaks the client's half of the protocol to a backend, as a
// webapp does: it says hello, keeps the connection alive, submits jobs and
// waits for their results (PROTOCOL.md 1.4, 2.4).
//
// One goroutine owns the connection and the table of jobs. A connection that
// breaks ends every job that waits on it with [ErrLost]: the backend forgets
// the jobs of a closed connection, so there is nothing to wait for.
package client
