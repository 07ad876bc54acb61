// Package tool has the small commands of a grading script: feedback-*, tag, tag-set,
// getinput, parsetemplate, archive and rst-* (TOOLKIT.md 3 to 7). A command
// reads its arguments, calls a function of a package beside this one and turns
// the error into what the original program would have answered.
//
// Commands see the world only through an [Env], so that tests can run them in
// a directory of their own without being root.
package tool
