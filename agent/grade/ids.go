package grade

import "strings"

// folded are the letters outside ASCII that Python's case-insensitive patterns
// take for ASCII ones: dotless i, long s, Kelvin sign (PROTOCOL.md 7.4).
const folded = "\u0131\u017f\u212a"

// validID reports whether id may name a problem or, with stars, a test: one or
// more letters, digits, '-', '.' or '_'. As in Python, one line feed at the end passes.
func validID(id string, stars bool) bool {
	id = strings.TrimSuffix(id, "\n")
	if id == "" {
		return false
	}
	for _, r := range id {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		case r == '-', r == '.', r == '_', stars && r == '*':
		case strings.ContainsRune(folded, r):
		default:
			return false
		}
	}
	return true
}
