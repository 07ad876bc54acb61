package main

import (
	"fmt"
	"io"
	"strings"
)

// How a finding is meant.
const (
	ok   = "ok"
	warn = "warn"
	fail = "fail"
)

// finding is one thing that was looked at, in plain words.
type finding struct {
	level string
	what  string
	todo  string // what to do about it; "" if nothing is
}

// printFindings shows findings in a line each, whatever is in them: some repeat what
// an image says. The error is errUnlike if one of them is a failure.
func printFindings(out io.Writer, all []finding) error {
	var err error
	for _, f := range all {
		fmt.Fprintf(out, "%-4s  %s\n", f.level, oneLine(f.what))
		if f.todo != "" {
			fmt.Fprintf(out, "      → %s\n", oneLine(f.todo))
		}
		if f.level == fail {
			err = errUnlike
		}
	}
	return err
}

// oneLine is a text that may be a stranger's, or several errors, in a line.
func oneLine(text string) string { return inLine(strings.ReplaceAll(text, "\n", "; ")) }
