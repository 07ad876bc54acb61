// Package student runs students' programs in containers of their own: the asking
// side, run_student and ssh_student in the grading container, and the running
// side, _run_student_intern, the first process of the student container
// (TOOLKIT.md 8, PROTOCOL.md 5.5 to 5.8).
//
//	run_student ──main.sock──> main process ──frames──> agent ──> student container
//	     └────────── /sockets/<id>.sock: files, command, signals ──────────┘
//
// Where the two containers share no kernel, files cannot be passed, and all
// travels as messages through the main process and the agent instead: the relayed
// variant. The asking side is told which one by the main process, the running
// side by its arguments. There the main process and the running side tell each other
// what has been taken of what they sent, so that a slow reader at either end slows
// its writer and nobody else: see [grading.FlowControl].
//
// The asking side waits for its answer and for the student container at the same
// time, so that a container that dies early leaves nobody waiting, and it
// forwards the signals that it gets.
package student
