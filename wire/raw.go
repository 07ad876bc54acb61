package wire

import (
	"math"

	"github.com/tinylib/msgp/msgp"
)

// Kind is the type of a msgpack value, as Python sees it.
type Kind uint8

// The kinds. KindOther is an extension or no msgpack at all.
const (
	KindOther Kind = iota
	KindNil
	KindBool
	KindInt
	KindFloat
	KindText
	KindBytes
	KindArray
	KindMap
)

var kindNames = [...]string{"no value", "nil", "bool", "int", "float", "text", "bytes", "array", "map"}

// String returns the name of the kind for messages.
func (k Kind) String() string { return kindNames[k] }

// kindOf returns the kind of the value that begins with c.
func kindOf(c byte) Kind {
	switch msgp.NextType([]byte{c}) {
	case msgp.NilType:
		return KindNil
	case msgp.BoolType:
		return KindBool
	case msgp.IntType, msgp.UintType:
		return KindInt
	case msgp.Float32Type, msgp.Float64Type:
		return KindFloat
	case msgp.StrType:
		return KindText
	case msgp.BinType:
		return KindBytes
	case msgp.ArrayType:
		return KindArray
	case msgp.MapType:
		return KindMap
	}
	return KindOther
}

// emptyMap is how an empty [Raw] is sent.
const emptyMap = 0x80

// Kind returns the type of v. An empty Raw is a map.
func (v Raw) Kind() Kind {
	if len(v) == 0 {
		return KindMap
	}
	return kindOf(v[0])
}

// Bytes returns what is inside the text or the bytes v, sharing memory with v,
// and whether v is one of the two. Kind tells which.
func (v Raw) Bytes() ([]byte, bool) {
	k := v.Kind()
	if k != KindText && k != KindBytes {
		return nil, false
	}
	w := walker{b: v}
	start := 1
	n := uint64(v[0] & 0x1f)
	if v[0]&0xe0 != 0xa0 {
		var err error
		if n, start, err = w.length(1, lengthWidth(v[0])); err != nil {
			return nil, false
		}
	}
	end, err := w.skip(start, n)
	return v[start:end:end], err == nil
}

// lengthWidth returns how many bytes hold the length of a long text or bytes.
func lengthWidth(c byte) int {
	switch c {
	case 0xc4, 0xd9:
		return 1
	case 0xc5, 0xda:
		return 2
	}
	return 4
}

// Text returns a copy of the text v, and whether v is a text.
func (v Raw) Text() (string, bool) {
	b, ok := v.Bytes()
	if !ok || v.Kind() != KindText {
		return "", false
	}
	return string(b), true
}

// Bool returns the bool v, and whether v is one.
func (v Raw) Bool() (value, ok bool) {
	if v.Kind() != KindBool {
		return false, false
	}
	return v[0] == 0xc3, true
}

// Float returns the float v, and whether v is one. An int is not.
func (v Raw) Float() (float64, bool) {
	if v.Kind() != KindFloat {
		return 0, false
	}
	if v[0] == 0xca {
		f, _, err := msgp.ReadFloat32Bytes(v)
		return float64(f), err == nil
	}
	f, _, err := msgp.ReadFloat64Bytes(v)
	return f, err == nil
}

// Int returns the int v, and whether v is one that fits.
func (v Raw) Int() (int64, bool) {
	if v.Kind() != KindInt {
		return 0, false
	}
	if n, _, err := msgp.ReadInt64Bytes(v); err == nil {
		return n, true
	}
	return 0, false
}

// Number returns the int or float v as a float, and whether v is one of them.
func (v Raw) Number() (float64, bool) {
	if f, ok := v.Float(); ok {
		return f, true
	}
	if n, ok := v.Int(); ok {
		return float64(n), true
	}
	if v.Kind() == KindInt {
		u, _, err := msgp.ReadUint64Bytes(v)
		return float64(u), err == nil
	}
	return 0, false
}

// Truth reports whether v counts as true in Python: web forms send "on".
func (v Raw) Truth() bool {
	switch v.Kind() {
	case KindBool:
		on, _ := v.Bool()
		return on
	case KindInt, KindFloat:
		f, _ := v.Number()
		return f != 0
	case KindText, KindBytes:
		b, _ := v.Bytes()
		return len(b) > 0
	case KindArray, KindMap:
		s, err := scan(v, v.Kind(), Limits{Depth: defaultDepth})
		return err == nil && s.count > 0
	}
	return false
}

// integer returns the number v without its fraction, and whether it fits.
func (v Raw) integer() (int64, bool) {
	if n, ok := v.Int(); ok {
		return n, true
	}
	f, ok := v.Float()
	if !ok || !(f >= math.MinInt64 && f < math.MaxInt64) {
		return 0, false
	}
	return int64(f), true
}

// Lookup returns the value under the text key in the map m, sharing its memory,
// and whether there is one. Of a key that is there twice it is the last one, as
// in Python. Bytes that are not a map have no keys.
func Lookup(m Raw, key string) (Raw, bool) {
	s, err := scan(m, KindMap, Limits{Depth: defaultDepth})
	var found Raw
	for err == nil && s.left > 0 {
		var k, v Raw
		if k, err = s.next(); err != nil {
			break
		}
		if v, err = s.next(); err != nil {
			break
		}
		if b, ok := k.Bytes(); ok && k.Kind() == KindText && string(b) == key {
			found = v
		}
	}
	return found, found != nil
}

// StateOf returns the task state that came with a job's inputs, the text under
// "@state", or "" (PROTOCOL.md 1.6). Every failure has to give it back.
func StateOf(inputData Raw) string {
	v, _ := Lookup(inputData, "@state")
	s, _ := v.Text()
	return s
}
