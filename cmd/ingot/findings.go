package main

import (
	"fmt"
	"io"
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

// printFindings shows findings in a line each. The error is errUnlike if one of
// them is a failure.
func printFindings(out io.Writer, all []finding) error {
	var err error
	for _, f := range all {
		fmt.Fprintf(out, "%-4s  %s\n", f.level, f.what)
		if f.todo != "" {
			fmt.Fprintf(out, "      → %s\n", f.todo)
		}
		if f.level == fail {
			err = errUnlike
		}
	}
	return err
}
