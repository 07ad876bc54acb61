// Package feedback keeps the file in which a grading script collects what it
// has to say of a submission, /.__output/__feedback.json (TOOLKIT.md 2.2, 3).
//
// Every change loads the file, changes the map and writes it again, like the
// original tools, so that changes from any language can be mixed. Other than
// there, a change holds a lock and replaces the file in one step: calls at the
// same time lose nothing and a kill leaves the old file or the new one. The
// lock is taken on the directory, so that no file is added to it.
//
// Whatever is found in the file that is no JSON object becomes a crash result
// which later changes may amend (the load rule).
package feedback
