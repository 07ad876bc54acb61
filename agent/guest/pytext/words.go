package pytext

import (
	"errors"
	"strings"
)

var errQuotes = errors.New("unbalanced quotes or a backslash at the end")

// Words splits a command line with the quoting of a POSIX shell and none of its
// expansions (TOOLKIT.md 8.3): '…' is literal, within "…" a backslash escapes
// only " and itself, elsewhere it escapes any one character.
func Words(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n':
			if inWord {
				out = append(out, word.String())
				word.Reset()
				inWord = false
			}
		case '\\':
			if i++; i == len(s) {
				return nil, errQuotes
			}
			word.WriteByte(s[i])
			inWord = true
		case '\'':
			n := strings.IndexByte(s[i+1:], '\'')
			if n < 0 {
				return nil, errQuotes
			}
			word.WriteString(s[i+1 : i+1+n])
			i += n + 1
			inWord = true
		case '"':
			n, ok := doubleQuoted(s[i+1:], &word)
			if !ok {
				return nil, errQuotes
			}
			i += n
			inWord = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		out = append(out, word.String())
	}
	return out, nil
}

// doubleQuoted adds the text up to the closing quote to word and says how many
// bytes it read, the quote included.
func doubleQuoted(s string, word *strings.Builder) (int, bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			return i + 1, true
		}
		if c == '\\' {
			if i++; i == len(s) {
				return 0, false
			}
			if s[i] != '"' && s[i] != '\\' {
				word.WriteByte('\\')
			}
			c = s[i]
		}
		word.WriteByte(c)
	}
	return 0, false
}
