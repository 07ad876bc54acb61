package mcq

import (
	"math"
	"unicode"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// outside is an integer that no list has an element for.
const outside = math.MaxInt64

// pyInt is Python's int(v), for values that are to be an index: numbers too big
// for int64 become outside. It is false where Python throws.
func pyInt(v value) (int64, bool) {
	if len(v) == 0 {
		return 0, false
	}
	switch msgp.NextType(v) {
	case msgp.BoolType:
		if v.truthy() {
			return 1, true
		}
		return 0, true
	case msgp.IntType, msgp.UintType:
		if n, ok := v.integer(); ok {
			return n, true
		}
		return outside, true
	case msgp.Float32Type, msgp.Float64Type:
		f := v.float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return 0, false
		}
		if math.Abs(f) >= 1<<53 {
			return outside, true
		}
		return int64(f), true // both round towards zero
	case msgp.StrType:
		s, _ := v.text()
		return parseInt(s)
	case msgp.BinType:
		b, _, _ := msgp.ReadBytesZC(v)
		for _, c := range b {
			if c >= utf8.RuneSelf {
				return 0, false
			}
		}
		return parseInt(b)
	default:
		return 0, false
	}
}

// parseInt is Python's int(text): blanks around, a sign, decimal digits of any
// script, single underscores between digits.
func parseInt(s []byte) (n int64, ok bool) {
	s = trimSpace(s, blankOfInt)
	if len(s) == 0 {
		return 0, false
	}
	negative := s[0] == '-'
	if negative || s[0] == '+' {
		s = s[1:]
	}
	digits := 0 // also says whether the previous rune was a digit
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		s = s[size:]
		if r == '_' && digits > 0 && len(s) > 0 {
			digits = 0
			continue
		}
		d, isDigit := digitOf(r)
		if !isDigit {
			return 0, false
		}
		digits++
		if n > (outside-9)/10 {
			n = outside
		} else {
			n = n*10 + d
		}
	}
	if negative {
		n = -n
	}
	return n, digits > 0
}

// digitOf returns the value of a decimal digit of any script. Unicode lays
// digits out in runs of ten, zero first.
func digitOf(r rune) (int64, bool) {
	if r < utf8.RuneSelf {
		return int64(r - '0'), '0' <= r && r <= '9'
	}
	for _, run := range unicode.Nd.R16 {
		if lo, hi := rune(run.Lo), rune(run.Hi); lo <= r && r <= hi {
			return int64(r-lo) % 10, true
		}
	}
	for _, run := range unicode.Nd.R32 {
		if lo, hi := rune(run.Lo), rune(run.Hi); lo <= r && r <= hi {
			return int64(r-lo) % 10, true
		}
	}
	return 0, false
}

// blankOfInt is what int() skips: str.isspace, but for four control characters.
func blankOfInt(r rune) bool { return unicode.IsSpace(r) }

// blankOfStrip is what str.strip() takes away: str.isspace.
func blankOfStrip(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// trimSpace cuts off the blank runes at both ends of s.
func trimSpace(s []byte, blank func(rune) bool) []byte {
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		if !blank(r) {
			break
		}
		s = s[size:]
	}
	for len(s) > 0 {
		r, size := utf8.DecodeLastRune(s)
		if !blank(r) {
			break
		}
		s = s[:len(s)-size]
	}
	return s
}

// isIndex is Python's "v == i or v == str(i)", the way in which an answer with
// several choices is searched for one of them.
func isIndex(v value, i int64) bool {
	switch msgp.NextType(v) {
	case msgp.BoolType, msgp.IntType, msgp.UintType:
		n, ok := pyInt(v)
		return ok && n == i
	case msgp.Float32Type, msgp.Float64Type:
		return v.float() == float64(i)
	case msgp.StrType:
		s, _ := v.text()
		return isDecimal(s, i)
	default:
		return false
	}
}

// isDecimal tells whether s is i as Python writes it. i is not negative.
func isDecimal(s []byte, i int64) bool {
	if len(s) == 0 || len(s) > 1 && s[0] == '0' || len(s) > 18 {
		return false
	}
	var n int64
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int64(c-'0')
	}
	return n == i
}
