// Package workspace prepares what a job sees of its course (PROTOCOL.md 4.4),
// without copying it.
package workspace
