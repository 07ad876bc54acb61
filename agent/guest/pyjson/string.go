package pyjson

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string whose opening quote is behind.
func (p *parser) text() (string, error) {
	end := strings.IndexAny(p.s, "\"\\")
	if end >= 0 && p.s[end] == '"' && plain(p.s[:end]) {
		s := p.s[:end]
		p.s = p.s[end+1:]
		return s, nil
	}
	var b []byte
	for p.s != "" {
		c := p.s[0]
		p.s = p.s[1:]
		switch {
		case c == '"':
			return string(b), nil
		case c < ' ':
			return "", ErrSyntax
		case c != '\\':
			b = append(b, c)
		default:
			r, ok := p.escape()
			if !ok {
				return "", ErrSyntax
			}
			b = appendWTF8(b, r)
		}
	}
	return "", ErrSyntax
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' {
			return false
		}
	}
	return true
}

// escape reads what follows a backslash.
func (p *parser) escape() (rune, bool) {
	if p.s == "" {
		return 0, false
	}
	c := p.s[0]
	p.s = p.s[1:]
	if c == 'u' {
		return p.unicode()
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		return 0, false
	}
	return rune("\"\\/\b\f\n\r\t"[i]), true
}

// unicode reads the digits of a \u, and of a second one if both are a pair.
func (p *parser) unicode() (rune, bool) {
	r, ok := hex4(p.s)
	if !ok {
		return 0, false
	}
	p.s = p.s[4:]
	if rest, found := strings.CutPrefix(p.s, `\u`); found && utf16.IsSurrogate(r) {
		if low, ok := hex4(rest); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				p.s = rest[4:]
				return pair, true
			}
		}
	}
	return r, true
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil
}

// appendWTF8 is utf8.AppendRune that keeps lone surrogates.
func appendWTF8(b []byte, r rune) []byte {
	if utf16.IsSurrogate(r) {
		return append(b, 0xed, 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
	}
	return utf8.AppendRune(b, r)
}
