package pytext

import (
	"errors"
	"strings"
	"unicode/utf8"
)

var (
	errEscape   = errors.New("malformed escape sequence")
	errEncoding = errors.New("the escapes do not give valid UTF-8")
)

// Unescape decodes the Python string escapes of s, for option -e of the tools
// (TOOLKIT.md 1.4). The result is made of bytes: \xc3\xa9 is é. Where that
// gives no UTF-8, a code point named by \u, \U, \N or a large octal stands for
// itself: \u00e9 is é too. A malformed escape is an error.
func Unescape(s string) (string, error) {
	units, err := scanEscapes(s)
	if err != nil {
		return "", err
	}
	if out, ok := asBytes(units); ok {
		return out, nil
	}
	var b strings.Builder
	for _, u := range units {
		if u.wide {
			b.WriteRune(u.r)
		} else {
			b.WriteByte(byte(u.r))
		}
		if u.wide && !utf8.ValidRune(u.r) {
			return "", errEncoding
		}
	}
	if !utf8.ValidString(b.String()) {
		return "", errEncoding
	}
	return b.String(), nil
}

// unit is one character after escape processing. wide: it was written as a code
// point and not as a byte.
type unit struct {
	r    rune
	wide bool
}

// asBytes reads each unit as one byte, the original rule.
func asBytes(units []unit) (string, bool) {
	b := make([]byte, len(units))
	for i, u := range units {
		if u.r > 0xff {
			return "", false
		}
		b[i] = byte(u.r)
	}
	return string(b), utf8.Valid(b)
}

func scanEscapes(s string) ([]unit, error) {
	units := make([]unit, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			units = append(units, unit{r: rune(s[i])})
			i++
			continue
		}
		if i++; i == len(s) {
			return nil, errEscape
		}
		u, n, err := oneEscape(s[i:])
		if err != nil {
			return nil, err
		}
		units = append(units, u...)
		i += n
	}
	return units, nil
}

const simple = `\'"abfnrtv`
const simpleMeans = "\\'\"\a\b\f\n\r\t\v"

// oneEscape reads what follows a backslash, at least one byte, and says how
// much of s it used.
func oneEscape(s string) ([]unit, int, error) {
	c := s[0]
	if i := strings.IndexByte(simple, c); i >= 0 {
		return []unit{{r: rune(simpleMeans[i])}}, 1, nil
	}
	switch {
	case c == '\n':
		return nil, 1, nil
	case c >= '0' && c <= '7':
		r, n := rune(0), 0
		for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			r = r<<3 | rune(s[n]-'0')
			n++
		}
		return []unit{{r: r, wide: r > 0xff}}, n, nil
	case c == 'x':
		return hexEscape(s, 2)
	case c == 'u':
		return hexEscape(s, 4)
	case c == 'U':
		return hexEscape(s, 8)
	case c == 'N':
		return nameEscape(s)
	}
	return []unit{{r: '\\'}, {r: rune(c)}}, 1, nil
}

func hexEscape(s string, digits int) ([]unit, int, error) {
	if len(s) < 1+digits {
		return nil, 0, errEscape
	}
	r := uint32(0)
	for _, c := range []byte(s[1 : 1+digits]) {
		v, ok := hexValue(c)
		if !ok {
			return nil, 0, errEscape
		}
		r = r<<4 | v
	}
	if r > utf8.MaxRune {
		return nil, 0, errEscape
	}
	return []unit{{r: rune(r), wide: digits > 2}}, 1 + digits, nil
}

func hexValue(c byte) (uint32, bool) {
	switch {
	case c >= '0' && c <= '9':
		return uint32(c - '0'), true
	case c >= 'a' && c <= 'f':
		return uint32(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return uint32(c-'A') + 10, true
	}
	return 0, false
}

func nameEscape(s string) ([]unit, int, error) {
	end := strings.IndexByte(s, '}')
	if len(s) < 2 || s[1] != '{' || end < 0 {
		return nil, 0, errEscape
	}
	r, ok := runeNamed(s[2:end])
	if !ok {
		return nil, 0, errEscape
	}
	return []unit{{r: r, wide: true}}, end + 1, nil
}
