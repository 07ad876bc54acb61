// Package pytext holds the rules of text and numbers that grading scripts have
// come to expect from the Python tools of INGInious (TOOLKIT.md 1.4, 1.5):
// what a line is, which numbers are numbers, how floats are printed, how a
// command is split into words, how escapes are read.
//
// Text is a Go string. It is UTF-8, except that a lone surrogate, which JSON
// can express and UTF-8 cannot, is kept as its three generalised bytes
// (ED A0..BF 80..BF); [HasSurrogate] finds it before text leaves the process.
//
// All functions are pure.
package pytext
