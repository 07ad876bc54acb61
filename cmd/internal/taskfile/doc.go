// Package taskfile reads task.yaml files as a webapp does, as far as a job needs
// them: the environment, its parameters, and the problems, which travel to the
// agent as they are in the file (PROTOCOL.md 1.6, 7.1).
//
// Webapps read YAML 1.1, with PyYAML. No library in Go does: "yes" and "on" are
// booleans there, 12:30:00 is the number 45000, 1e3 is text, 2026-01-02 a date,
// and the last of two equal keys wins, at the place of the first. So the library
// gives only nodes, and values are found here, by the tables of YAML 1.1's types
// as PyYAML has them. Dates, sets and numbers of more than 64 bits may be in the
// file, but not in what is sent: a webapp cannot send them either.
//
// A file is read within bounds: of its size, its depth, and the number of values
// that aliases make of it.
package taskfile
