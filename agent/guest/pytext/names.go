package pytext

import (
	"strings"

	"golang.org/x/text/unicode/runenames"
	"unicode/utf8"
)

// runeNamed finds a character by its Unicode name, in any case. It searches the
// whole table: the escape is rare.
func runeNamed(name string) (rune, bool) {
	name = strings.ToUpper(name)
	if name == "" || name[0] == '<' {
		return 0, false
	}
	for r := range rune(utf8.MaxRune) {
		if runenames.Name(r) == name {
			return r, true
		}
	}
	return 0, false
}
