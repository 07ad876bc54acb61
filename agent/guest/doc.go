// Package guest is what runs inside containers: the main process of a grading
// container, the first process of a student container and the commands of
// grading scripts, as one multi-call program. cmd/ingot-init is its shell.
//
// It stands in for the Python programs of INGInious' images, so that any image
// can be a grading environment, and so that a call costs a millisecond and not a
// tenth of a second. What the programs do is fixed by scripts in use; TOOLKIT.md
// has the facts, and the recorded cases in testdata hold this package to them.
//
// A command is found by the base name of the program, or by its first argument
// if the program is called by its own name. Each package below has one subject:
//
//	tool       the small commands, over feedback, input and rst
//	template   feedback-msg-tpl, in a program of its own
//	mainproc   INGInious, the main process of a grading container
//	mainsock   the socket on which its programs talk to it
//	student    run_student, ssh_student and _run_student_intern
//	sshd       a person's way into a container
//	worker     the user that scripts and students' programs run as
//	grader     all of it for graders written in Go
//	pytext, pyjson, argparse   Python's rules, as far as scripts can see them
//
// Everything here runs beside, and is fed by, code that students wrote. Nothing
// read is trusted: links are not followed, lengths are checked, nothing waits
// for what may never come.
package guest
