// Package grade is the executor that grades jobs in containers.
//
// A job moves through the phases of [Phase], in one goroutine that owns all of
// it: its workspace, its cgroup, its containers. What ends it against its will
// is the cause of its context: a kill, a limit of agent/watch, the agent's
// stop. What the result is, is decided by a pure function of that cause, the
// exit of the grading container, the readings of its cgroup and the last result
// frame it wrote (PROTOCOL.md 4.9, 7.3).
//
// The result is returned before anything is cleaned up, so that a slow removal
// delays nobody; [Executor.Close] waits for the removals.
package grade
