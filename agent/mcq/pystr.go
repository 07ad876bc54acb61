package mcq

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// maxNesting bounds how deep str() goes into lists and maps.
const maxNesting = 64

// str returns Python's str(v). Arrays are tuples there, as its decoder makes them
// (PROTOCOL.md 1.2). It is false for extensions and too deep nesting. Of a text it
// shares the memory.
func str(v value) ([]byte, bool) {
	if s, ok := v.text(); ok {
		return s, true
	}
	return appendRepr(nil, v, 0)
}

// appendRepr appends Python's repr(v).
func appendRepr(b []byte, v value, depth int) ([]byte, bool) {
	if len(v) == 0 || depth > maxNesting {
		return b, false
	}
	switch msgp.NextType(v) {
	case msgp.NilType:
		return append(b, "None"...), true
	case msgp.BoolType:
		if v.truthy() {
			return append(b, "True"...), true
		}
		return append(b, "False"...), true
	case msgp.IntType, msgp.UintType:
		if n, ok := v.integer(); ok {
			return strconv.AppendInt(b, n, 10), true
		}
		n, _, err := msgp.ReadUint64Bytes(v)
		return strconv.AppendUint(b, n, 10), err == nil
	case msgp.Float32Type, msgp.Float64Type:
		return appendFloat(b, v.float()), true
	case msgp.StrType:
		s, _ := v.text()
		return appendQuoted(b, s), true
	case msgp.BinType:
		s, _, _ := msgp.ReadBytesZC(v)
		return appendBytes(b, s), true
	case msgp.ArrayType:
		return appendTuple(b, v, depth)
	case msgp.MapType:
		return appendDict(b, v, depth)
	default:
		return b, false
	}
}

// appendTuple writes (), (1,) or (1, 2).
func appendTuple(b []byte, v value, depth int) ([]byte, bool) {
	w, ok := v.items()
	b = append(b, '(')
	for n := 0; ok && w.left > 0; n++ {
		if n > 0 {
			b = append(b, ", "...)
		}
		b, ok = appendRepr(b, w.next(), depth+1)
		if n == 0 && w.left == 0 {
			b = append(b, ',')
		}
	}
	return append(b, ')'), ok
}

// appendDict writes {} or {'a': 1, 2: None}.
func appendDict(b []byte, v value, depth int) ([]byte, bool) {
	w, ok := v.entries()
	b = append(b, '{')
	for n := 0; ok && w.left > 0; n++ {
		if n > 0 {
			b = append(b, ", "...)
		}
		if b, ok = appendRepr(b, w.next(), depth+1); ok {
			b, ok = appendRepr(append(b, ": "...), w.next(), depth+1)
		}
	}
	return append(b, '}'), ok
}

// appendFloat writes the shortest digits that read back as f, with an exponent
// below 1e-4 and from 1e16 on.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	case f != 0 && (math.Abs(f) < 1e-4 || math.Abs(f) >= 1e16):
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if bytes.IndexByte(b[start:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}

// quoteFor is the quote that repr chooses: ' unless only " saves an escape.
func quoteFor(s []byte) byte {
	if bytes.IndexByte(s, '\'') >= 0 && bytes.IndexByte(s, '"') < 0 {
		return '"'
	}
	return '\''
}

// appendQuoted writes the repr of a str.
func appendQuoted(b, s []byte) []byte {
	q := quoteFor(s)
	b = append(b, q)
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		s = s[size:]
		switch {
		case r < utf8.RuneSelf:
			b = appendASCII(b, byte(r), q)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r <= 0xff:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r <= 0xffff:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
	}
	return append(b, q)
}

// appendBytes writes the repr of a bytes.
func appendBytes(b, s []byte) []byte {
	q := quoteFor(s)
	b = append(b, 'b', q)
	for _, c := range s {
		b = appendASCII(b, c, q)
	}
	return append(b, q)
}

// appendASCII writes c as it stands inside quotes q. Bytes above 0x7e are escaped.
func appendASCII(b []byte, c, q byte) []byte {
	switch {
	case c == q || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, `\n`...)
	case c == '\r':
		return append(b, `\r`...)
	case c == '\t':
		return append(b, `\t`...)
	case c < 0x20 || c > 0x7e:
		return fmt.Appendf(b, `\x%02x`, c)
	}
	return append(b, c)
}
