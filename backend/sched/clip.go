package sched

import (
	"strings"
	"unicode/utf8"
)

// maxText is how many bytes are kept of a text that goes to others than whom its
// sender means: to all who ask for a listing, into logs, onto the status page.
const maxText = 1 << 10

// clip returns the beginning of s, of at most maxText bytes and whole characters. It
// does not keep the memory of a longer s.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}
