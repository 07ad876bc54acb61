// Package student is the handshake through which a grading container hands a
// command to a student container: a unix socket that the caller of run_student
// listens on and the student container's main process connects to
// (PROTOCOL.md 5.5, steps 8 to 13).
//
//	student                          caller
//	   | ------------ H ------------> |   I am here
//	   | <------- S, 3 files -------- |   your stdin, stdout, stderr
//	   | <------ command map -------- |   msgpack without a length
//	   | <-- 3 digits, any number --- |   a signal for the command
//	   | - 4-byte length, login map ->|   if an SSH login was asked for
//	   | <----------- --- ----------- |   or the end of the stream: no more signals
//
// The student's end is a [Shim], the caller's a [Caller]. What the caller reads
// may come from student code: it is bounded and never trusted.
package student
