// Package watch ends a container that goes over its limits of CPU time or of
// wall-clock time (PROTOCOL.md 4.7) by cancelling a context with a cause.
//
// The CPU time is read when the container could first have used up what is
// left, if all its CPUs were busy. So an idle container costs a few readings in
// its whole life, and a busy one is stopped within milliseconds of its limit.
//
// Memory is not watched: the kernel acts before any watcher hears of it. The
// readings of the job's group after the exit decide.
package watch
