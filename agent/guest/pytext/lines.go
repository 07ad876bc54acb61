package pytext

import (
	"strings"
	"unicode/utf8"
)

// Lines splits s at every separator that Python's splitlines knows, CRLF being
// one. There is no empty last line after a final separator, and no line in an
// empty text (TOOLKIT.md 1.4).
func Lines(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !lineEnd(r) {
			i += n
			continue
		}
		out = append(out, s[start:i])
		i += n
		if r == '\r' && i < len(s) && s[i] == '\n' {
			i++
		}
		start = i
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

func lineEnd(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// Ext returns the extension of a path without its dot: what follows the last
// dot of the base name, leading dots of the base name not counting.
func Ext(path string) string {
	base := path[strings.LastIndexByte(path, '/')+1:]
	base = strings.TrimLeft(base, ".")
	if i := strings.LastIndexByte(base, '.'); i >= 0 {
		return base[i+1:]
	}
	return ""
}

// Clean returns b as valid UTF-8: each maximal invalid part becomes one U+FFFD,
// as Python and the WHATWG decoder do it (TOOLKIT.md 9.6).
func Clean(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	out.Grow(len(b) + 8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = invalidPart(b)
		}
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String()
}

// invalidPart is the length of the longest start of b that is also the start of
// some valid sequence, and at least 1.
func invalidPart(b []byte) int {
	lo, hi, want := byte(0x80), byte(0xbf), 0 // of the second byte; how many follow
	switch c := b[0]; {
	case c < 0xc2 || c > 0xf4:
	case c < 0xe0:
		want = 1
	case c < 0xf0:
		want = 2
	default:
		want = 3
	}
	switch b[0] { // too long for what they would say, or beyond Unicode
	case 0xe0:
		lo = 0xa0
	case 0xed:
		hi = 0x9f
	case 0xf0:
		lo = 0x90
	case 0xf4:
		hi = 0x8f
	}
	n := 1
	for n <= want && n < len(b) && b[n] >= lo && b[n] <= hi {
		lo, hi = 0x80, 0xbf
		n++
	}
	return n
}

// HasSurrogate reports whether s holds a lone surrogate, or is not UTF-8 for
// any other reason: such text cannot be written as UTF-8.
func HasSurrogate(s string) bool { return !utf8.ValidString(s) }
