package cgroups

import "testing"

// A name is the student's to choose.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{"python3": "python3", "a b": "a b", "é": "é", "\x1b[2J": "\ufffd[2J", "\xff": "\ufffd", "": ""} {
		if got := printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
