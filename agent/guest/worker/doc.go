// Package worker is what grading and student containers have in common: the
// user that runs scripts and students' programs, how many processes it may have,
// how one of them is started, and the files of the container that a task changes.
package worker
