// Package demo is the demo course: small tasks that together show what a grader
// can do and what is done to one that misbehaves, with a table of what each must
// give. The files are part of the program, so that a test binary can bring them
// to another machine.
package demo
