package main

import (
	"strings"
	"unicode"
)

// visible replaces what would move the cursor or tell a terminal more: names are
// strangers'.
func visible(r rune) rune {
	if r != ' ' && !unicode.IsPrint(r) {
		return '?'
	}
	return r
}

// inLine is a stranger's text that is to stay in its line.
func inLine(text string) string { return strings.Map(visible, text) }

// inText is a stranger's text that may have several.
func inText(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return visible(r)
	}, text)
}
