package wire

import (
	"strings"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// The types below are what generated code uses for the fields of a message.
// They write what Python writes, and read what Python may send.

// Text is a text that always leaves as valid UTF-8: each run of other bytes
// becomes U+FFFD, as Python peers cannot decode them.
type Text string

// Msgsize returns an upper bound for the encoded size.
func (t Text) Msgsize() int { return msgp.StringPrefixSize + utf8.UTFMax*len(t) }

// MarshalMsg appends t to b.
func (t Text) MarshalMsg(b []byte) ([]byte, error) { return appendText(b, string(t)), nil }

// UnmarshalMsg reads a text from the front of b, copies it and returns the rest.
func (t *Text) UnmarshalMsg(b []byte) ([]byte, error) {
	s, rest, err := msgp.ReadStringZC(b)
	if err == nil {
		*t = Text(s)
	}
	return rest, err
}

func appendText(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return msgp.AppendString(b, s)
}

// Int is an integer in its shortest form. It reads nil as zero and drops the
// fraction of a float: a grader's script may send either.
type Int int64

// Msgsize returns an upper bound for the encoded size.
func (Int) Msgsize() int { return msgp.Int64Size }

// MarshalMsg appends i to b.
func (i Int) MarshalMsg(b []byte) ([]byte, error) { return appendInt(b, int64(i)), nil }

// UnmarshalMsg reads a number or nil from the front of b and returns the rest.
func (i *Int) UnmarshalMsg(b []byte) ([]byte, error) {
	v, rest, err := cut(b)
	if err != nil {
		return b, err
	}
	n, ok := v.integer()
	if !ok && v.Kind() != KindNil {
		return b, mismatch("int", v)
	}
	*i = Int(n)
	return rest, nil
}

// appendInt appends n as Python does: msgp would use the signed forms for
// positive numbers.
func appendInt(b []byte, n int64) []byte {
	if n >= 0 {
		return msgp.AppendUint64(b, uint64(n))
	}
	return msgp.AppendInt64(b, n)
}

// Msgsize returns the encoded size.
func (v Raw) Msgsize() int { return max(len(v), 1) }

// MarshalMsg appends v to b as it is.
func (v Raw) MarshalMsg(b []byte) ([]byte, error) { return appendRaw(b, v), nil }

// UnmarshalMsg cuts one value off the front of b and returns the rest. v shares
// its memory.
func (v *Raw) UnmarshalMsg(b []byte) ([]byte, error) {
	one, rest, err := cut(b)
	if err == nil {
		*v = one
	}
	return rest, err
}

func appendRaw(b []byte, v Raw) []byte {
	if len(v) == 0 {
		return append(b, emptyMap)
	}
	return append(b, v...)
}

// cut splits the value at the front off b.
func cut(b []byte) (v Raw, rest []byte, err error) {
	w := walker{b: b, depth: defaultDepth}
	end, err := w.value(0, 0)
	if err != nil {
		return nil, b, err
	}
	return b[:end:end], b[end:], nil
}

// Msgsize returns an upper bound for the encoded size.
func (Debug) Msgsize() int { return 4 }

// MarshalMsg appends d to b.
func (d Debug) MarshalMsg(b []byte) ([]byte, error) { return appendDebug(b, d), nil }

// UnmarshalMsg reads a bool or the text "ssh" from the front of b and returns the rest.
func (d *Debug) UnmarshalMsg(b []byte) ([]byte, error) {
	v, rest, err := cut(b)
	if err == nil {
		*d, err = debugOf(v)
	}
	return rest, err
}

func appendDebug(b []byte, d Debug) []byte {
	if d == DebugSSH {
		return msgp.AppendString(b, "ssh")
	}
	return msgp.AppendBool(b, d != DebugOff)
}

func debugOf(v Raw) (Debug, error) {
	if on, ok := v.Bool(); ok {
		if on {
			return DebugOn, nil
		}
		return DebugOff, nil
	}
	if s, ok := v.textBytes(); ok && string(s) == "ssh" {
		return DebugSSH, nil
	}
	return DebugOff, mismatch(`bool or "ssh"`, v)
}
