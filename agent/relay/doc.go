// Package relay carries frames between the agent and a grading container.
//
// A [Relay] owns both of the container's streams from Start until Wait returns.
// One goroutine reads, one writes, so a container that does not read what it is
// sent does not keep anybody from reading what it says. Frames are delivered in
// order, and Wait returns after the last frame that the container wrote before
// it ended, never earlier: the result is often that frame.
//
// Everything read comes from a process that a student may control. A frame over
// the limit ends the relay; nothing is allocated for a length that was not
// checked.
package relay
