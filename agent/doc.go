// Package agent is what every agent does, whatever it grades with: it says
// hello, answers pings, counts slots, keeps the table of jobs, and sends
// exactly one result for each job it was given.
//
// A backend may know less of the agent than the agent of itself: it restarted, or
// the connection broke. So an agent says what runs on each new connection, and
// holds back what exceeds its slots until a backend of ours has stopped what
// nobody waits for.
//
// How a job is graded is an [Executor]. It sees one job at a time and returns a
// result; it never sees the wire.
package agent
