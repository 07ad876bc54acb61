// Package sched decides which job runs on which agent, and what clients and
// agents are told. It is pure: no goroutine, clock, socket or logger.
//
//	state := sched.New(sched.DefaultConfig())
//	for _, effect := range state.Step(now, event) { … }
//
// [State.Step] takes one [Event] (a connection came, spoke or went; a second
// passed; the operator asks for something) and returns the [Effect]s to carry
// out, in order. Connections are named by [wire.Peer]. Time is an argument:
// differences are taken from its monotonic part, the start time shown to
// clients from its wall part.
//
// # Promises
//
//   - A job that was accepted is answered once: by its agent, or by the backend
//     (killed, agent lost, nobody can run it, shutdown). A job whose client is
//     gone is answered to nobody.
//   - A job runs before those of the same environment that have a greater
//     priority number, and before those that came later with the same number
//     (PROTOCOL.md 2.2). A job that is queued again keeps its place.
//   - An agent has never more jobs than it has slots. The agent with most free
//     slots is next, and among equals the one that has waited longest.
//   - A result counts only when it comes from the agent that has the job.
//   - A job for which there is no room in its agent's queue waits until the agent
//     has read what is there, or goes to another.
//   - A connection that breaks the protocol, or does not say who it is within half a
//     minute, is dropped and nothing else changes.
//
// # Shape
//
// An environment (a [Name]) is a topic. It has a heap of waiting jobs and a heap of
// agents with free slots, and never both non-empty. So a new job looks at one
// heap, and an agent with a free slot looks at the heads of its own
// environments: the cost grows with the logarithm of the queue and of the
// number of agents.
//
//	           ┌───────────── lost before it started, or retried ─────────────┐
//	           ▼                                                              │
//	new ──▶ waiting ──────▶ sent to an agent ──────▶ started ──▶ ended        │
//	           │                 │     │                │          ▲          │
//	           └─ kill, expiry ──┼─────┼────────────────┼──────────┘          │
//	                             └─────┴────────────────┴─────────────────────┘
//
// # Agents that come back
//
// An agent of this project is known again, by its routing id ([wire.LifeOf]),
// when it returns on a new connection: for a grace period its jobs stay its own. It
// hands in its results and says again which jobs run before it answers a ping. Once it does,
// what may have been lost on the way to it is sent again, and a job that had
// started there and that it does not speak of any more is given up, as on a lost
// agent. Any other agent is lost with its connection.
//
// Such an agent is greeted with an Unknown, by which it knows that it may say
// things to this backend that a Python one would not understand: a hello without
// slots when it stops, after which it is sent nothing more and what it had not
// started goes to others, without a grace period if its connection ends. Of the jobs that it says to run those that nobody waits
// for any more are killed, lest they keep its slots.
package sched
