// Package mainsock is both ends of /sockets/main.sock, on which the programs of
// a grading container talk to its main process (TOOLKIT.md 8.5): ZMTP 3.0 with
// the NULL mechanism on a unix socket, a ROUTER that [Listen]s and a REQ that
// [Dial]s. INGInious' own Python library can be at the other end of either.
//
// A libzmq REQ throws away a reply that comes before its next request. The
// ROUTER therefore owes each peer at most as many replies as it has had
// requests from it, and keeps the others until the next request: none is lost,
// however fast a student's program ends. Whoever asks for more has read what it got:
// so a sender of much knows how fast it is read.
//
// ZMTP is spoken here and not by wire/zmtp or a library, because this program is
// started many times in each job and must start in a millisecond, and because
// what can be sent by a process beside student code is best refused in the one
// place where it is read: only root and the worker may connect, a message has at
// most two frames and 1 MiB.
package mainsock
