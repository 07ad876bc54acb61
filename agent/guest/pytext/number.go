package pytext

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// maxDigits is where CPython refuses to read an integer.
const maxDigits = 4300

// Int reads an integer as Python's int does and returns it in its shortest
// decimal form; there is no limit of size but Python's own (TOOLKIT.md 1.5).
func Int(s string) (string, bool) {
	s, ok := ascii(strip(s))
	if !ok {
		return "", false
	}
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = strings.TrimPrefix(s[:1], "+"), s[1:]
	}
	if s, ok = joinDigits(s); !ok || len(s) > maxDigits {
		return "", false
	}
	if s = strings.TrimLeft(s, "0"); s == "" {
		return "0", true
	}
	return sign + s, true
}

// Float reads a number as Python's float does: no hexadecimal, single
// underscores between digits, inf and nan in any case (TOOLKIT.md 1.5).
func Float(s string) (float64, bool) {
	s, ok := ascii(strip(s))
	if !ok {
		return 0, false
	}
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg, s = s[0] == '-', s[1:]
	}
	f, ok := unsigned(s)
	if neg {
		f = -f
	}
	return f, ok
}

func unsigned(s string) (float64, bool) {
	switch strings.ToLower(s) {
	case "inf", "infinity":
		return math.Inf(1), true
	case "nan":
		return math.NaN(), true
	}
	mant, exp, hasExp := cutAny(s, "eE")
	whole, frac, _ := strings.Cut(mant, ".")
	if whole == "" && frac == "" {
		return 0, false
	}
	ok := true
	text := ""
	if whole != "" {
		whole, ok = joinDigits(whole)
		text = whole
	}
	if ok && frac != "" {
		frac, ok = joinDigits(frac)
		text += "." + frac
	}
	if ok && hasExp {
		sign := ""
		if exp != "" && (exp[0] == '-' || exp[0] == '+') {
			sign, exp = exp[:1], exp[1:]
		}
		exp, ok = joinDigits(exp)
		text += "e" + sign + exp
	}
	if !ok {
		return 0, false
	}
	f, _ := strconv.ParseFloat(text, 64) // its only possible error, overflow, comes with the infinity wanted
	return f, true
}

// FormatFloat prints f as Python's repr does (TOOLKIT.md 1.5).
func FormatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= 16 {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// Space reports what Python calls white space.
func Space(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// strip removes white space around a number. In ASCII text Python knows less of
// it than elsewhere.
func strip(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return strings.TrimFunc(s, Space)
		}
	}
	return strings.Trim(s, " \t\n\v\f\r")
}

// ascii turns the decimal digits of every script into 0 to 9. Text that then
// still is not ASCII is no number.
func ascii(s string) (string, bool) {
	ok := true
	s = strings.Map(func(r rune) rune {
		if r < 0x80 {
			return r
		}
		d := digit(r)
		ok = ok && d >= 0
		return '0' + d
	}, s)
	return s, ok
}

func digit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if uint32(r) >= uint32(t.Lo) && uint32(r) <= uint32(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if uint32(r) >= t.Lo && uint32(r) <= t.Hi {
			return (r - rune(t.Lo)) % 10
		}
	}
	return -1
}

// joinDigits drops single underscores between digits and refuses all else.
func joinDigits(s string) (string, bool) {
	if s == "" || s[0] == '_' || s[len(s)-1] == '_' || strings.Contains(s, "__") {
		return "", false
	}
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && s[i] != '_' {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

func cutAny(s, seps string) (before, after string, found bool) {
	if i := strings.IndexAny(s, seps); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
