// Inginious-agent-mcq grades multiple choice and match problems, without
// containers, for the backend it is given the address of. It takes the place of
// the Python program of that name (PROTOCOL.md 8.3).
//
//	inginious-agent-mcq --tasks=/var/lib/ingot/tasks tcp://127.0.0.1:2001
//
// It reads the tasks directory and writes nothing. A backend that is away is
// waited for. SIGTERM and SIGINT end it with status 0 after its jobs. Wrong
// settings end with status 78, what may pass, such as a missing tasks directory,
// with status 1.
package main
