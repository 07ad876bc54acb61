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

// kinds tells by its first byte what a value is.
var kinds = func() (table [256]Kind) {
	fill := func(k Kind, from, to int) {
		for c := from; c <= to; c++ {
			table[c] = k
		}
	}
	fill(KindInt, 0x00, 0x7f)
	fill(KindMap, 0x80, 0x8f)
	fill(KindArray, 0x90, 0x9f)
	fill(KindText, 0xa0, 0xbf)
	fill(KindNil, 0xc0, 0xc0)
	fill(KindBool, 0xc2, 0xc3)
	fill(KindBytes, 0xc4, 0xc6)
	fill(KindFloat, 0xca, 0xcb)
	fill(KindInt, 0xcc, 0xd3)
	fill(KindText, 0xd9, 0xdb)
	fill(KindArray, 0xdc, 0xdd)
	fill(KindMap, 0xde, 0xdf)
	fill(KindInt, 0xe0, 0xff)
	return table
}()

// emptyMap is how an empty [Raw] is sent.
const emptyMap = 0x80

// Kind returns the type of v. An empty Raw is a map.
func (v Raw) Kind() Kind {
	if len(v) == 0 {
		return KindMap
	}
	return kinds[v[0]]
}

// Bytes returns what is inside the text or the bytes v, sharing memory with v,
// and whether v is one of the two. Kind tells which.
func (v Raw) Bytes() ([]byte, bool) {
	k := v.Kind()
	if k != KindText && k != KindBytes {
		return nil, false
	}
	start, n := 1, uint64(v[0]&0x1f)
	if v[0]&0xe0 != 0xa0 {
		w := walker{b: v}
		var err error
		if n, start, err = w.length(1, lengthWidth(v[0])); err != nil {
			return nil, false
		}
	}
	if n > uint64(len(v)-start) {
		return nil, false
	}
	end := start + int(n)
	return v[start:end:end], true
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

// textBytes is Bytes for texts only.
func (v Raw) textBytes() ([]byte, bool) {
	if v.Kind() != KindText {
		return nil, false
	}
	return v.Bytes()
}

// Text returns a copy of the text v, and whether v is a text.
func (v Raw) Text() (string, bool) {
	b, ok := v.textBytes()
	return string(b), ok
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
// in Python. Bytes that are not a whole map have no keys.
func Lookup(m Raw, key string) (Raw, bool) {
	if len(m) == 0 || m.Kind() != KindMap {
		return nil, false // most jobs have no limits: an error would be made only to be forgotten
	}
	s, err := scan(m, KindMap, Limits{Depth: defaultDepth})
	if err != nil {
		return nil, false
	}
	var found Raw
	for s.left > 0 {
		k, v, err := s.pair()
		if err != nil {
			return nil, false
		}
		if b, ok := k.textBytes(); ok && string(b) == key {
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
