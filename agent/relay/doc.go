// Package relay carries frames between the agent and a container.
//
// A [Relay] owns both of the container's streams from Start on, and closes its input.
// One goroutine reads, one writes, so a container that does not read what it is
// sent does not keep anybody from reading what it says. Frames are delivered in
// order, and Wait returns after the last frame that the container wrote before
// it ended, never earlier: the result is often that frame.
//
// # Forwarding
//
// Where grading and student containers share no kernel, frames between them go
// through two relays: the reader of one calls Forward of the other. A frame is
// copied once, behind those that wait already, and all that wait leave in one
// call. When they are too many the reader waits, so that in the end it is the
// writing container that does: memory is bounded whatever the containers do. It is
// the last resort, as all that a container says waits then: those of this project
// do not send each other more than is taken (wire/grading.FlowControl).
//
// Everything read comes from a process that a student may control. A frame over
// the limit ends the relay; nothing is allocated for a length that was not
// checked.
package relay
