// Package grade is the executor that grades jobs in containers.
//
// A job moves through the phases of [Phase], in one goroutine that owns all of
// it: its workspace, its cgroup, its grading container, the list of its student
// containers. What ends it against its will is the cause of its context: a kill,
// a limit of agent/watch, the agent's stop. What the result is, is decided by a
// pure function of that cause, the readings of the container's cgroup and the
// last result frame it wrote (PROTOCOL.md 4.9, 7.3).
//
// The result is returned before anything is cleaned up, so that a slow removal
// delays nobody; [Executor.Close] waits for the removals.
//
// # Student containers
//
// The reader of the grading container's frames hands each run_student to the
// job's loop, which decides whether there may be one and answers when it has
// ended (PROTOCOL.md 4.10). In between a student container belongs to its own
// goroutine. It is started before the script hears of it, and what it sees of
// the job is pinned first, as the grader can exchange every path meanwhile. Where
// containers share no kernel, frames between them pass through unread.
//
// # Memory
//
// Jobs reserve their limit of the agent's memory and wait for it in order.
// Student containers have limits of their own, counted but never waited for, so
// that no running job depends on another. A job's group holds all of it
// together; what is reserved is given back when the containers are gone.
//
// # Network and SSH
//
// A job that needs a network has one before its first container, which people
// reach by ports of the machine (PROTOCOL.md 4.3); so has a student container that
// lets people in. Ports are free again when the container is gone. The container
// says who may log in and how; the job's loop tells the client, once, if the
// container is the job's own and has a port (PROTOCOL.md 4.11). The password is in
// that message and in no log, also not in what the container writes.
//
// # Programs of INGInious
//
// Images have them (labels 3 and 4), or get ours: mounted read only, first on
// PATH, and run in place of the image's entrypoint.
package grade
