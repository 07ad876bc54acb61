// Package agent is what every agent does, whatever it grades with: it says
// hello, answers pings, counts slots, keeps the table of jobs, and sends
// exactly one result for each job it was given.
//
// How a job is graded is an [Executor]. It sees one job at a time and returns a
// result; it never sees the wire.
package agent
