package mcq

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
)

// maxItems bounds the entries of a map or array that is looked into.
const maxItems = 65536

// value is one whole msgpack value in the bytes of a job. An empty value stands
// for an absent one. Values are read where they lie; a value is valid as long as
// the job's bytes are. All but a job's two outermost values, which topLevel
// walks, are known to be well formed.
type value []byte

// absent tells whether there is no value at all.
func (v value) absent() bool { return len(v) == 0 }

// null tells whether v is absent or nil.
func (v value) null() bool { return len(v) == 0 || msgp.NextType(v) == msgp.NilType }

// text returns the bytes of a str. Other kinds, bin too, are no text.
func (v value) text() ([]byte, bool) {
	if len(v) == 0 || msgp.NextType(v) != msgp.StrType {
		return nil, false
	}
	s, _, err := msgp.ReadStringZC(v)
	return s, err == nil
}

// items walks an array. It refuses other kinds and more than maxItems.
func (v value) items() (walk, bool) {
	if len(v) == 0 || msgp.NextType(v) != msgp.ArrayType {
		return walk{}, false
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(v)
	return walk{rest: rest, left: int(n)}, err == nil && n <= maxItems
}

// entries walks a map: key, value, key, value. It refuses other kinds and more
// than maxItems.
func (v value) entries() (walk, bool) {
	if len(v) == 0 || msgp.NextType(v) != msgp.MapType {
		return walk{}, false
	}
	n, rest, err := msgp.ReadMapHeaderBytes(v)
	return walk{rest: rest, left: int(n) * 2}, err == nil && n <= maxItems
}

// topLevel walks a map that came from outside. It is false for anything else;
// whether the map is whole shows at the end of the walk.
func topLevel(raw wire.Raw) (walk, bool) {
	if len(raw) == 0 {
		return walk{}, true // an empty Raw is an empty map
	}
	return value(raw).entries()
}

// walk steps through the values of an array or a map.
type walk struct {
	rest   []byte
	left   int
	broken bool // rest was not well formed
}

// next returns the next value, which is well formed, or an absent one if that
// cannot be, which ends the walk. It must not be called when left is 0.
func (w *walk) next() value {
	rest, err := skip(w.rest)
	if err != nil {
		*w = walk{broken: true}
		return nil
	}
	v := w.rest[:len(w.rest)-len(rest)]
	w.rest = rest
	w.left--
	return v
}

// pair returns the next two values: of a map, a key and what is under it.
func (w *walk) pair() (key, val value) {
	key = w.next()
	if w.left > 0 {
		val = w.next()
	}
	return key, val
}

// whole tells, after the last value, whether all was well formed and nothing follows.
func (w *walk) whole() bool { return !w.broken && len(w.rest) == 0 }

// truthy is Python's bool(v). An absent value is false.
func (v value) truthy() bool {
	if len(v) == 0 {
		return false
	}
	switch msgp.NextType(v) {
	case msgp.NilType:
		return false
	case msgp.BoolType:
		b, _, _ := msgp.ReadBoolBytes(v)
		return b
	case msgp.IntType, msgp.UintType:
		n, ok := v.integer()
		return !ok || n != 0
	case msgp.Float32Type, msgp.Float64Type:
		return v.float() != 0
	case msgp.StrType:
		s, _ := v.text()
		return len(s) > 0
	case msgp.BinType:
		b, _, _ := msgp.ReadBytesZC(v)
		return len(b) > 0
	case msgp.ArrayType:
		n, _, _ := msgp.ReadArrayHeaderBytes(v)
		return n > 0
	case msgp.MapType:
		n, _, _ := msgp.ReadMapHeaderBytes(v)
		return n > 0
	default:
		return true // an extension is an object
	}
}

// integral tells whether v is an int for Python, which has bool among them.
func (v value) integral() bool {
	if len(v) == 0 {
		return false
	}
	switch msgp.NextType(v) {
	case msgp.BoolType, msgp.IntType, msgp.UintType:
		return true
	}
	return false
}

// integer returns a msgpack integer that fits int64.
func (v value) integer() (int64, bool) {
	if len(v) == 0 {
		return 0, false
	}
	switch msgp.NextType(v) {
	case msgp.IntType, msgp.UintType:
		n, _, err := msgp.ReadInt64Bytes(v)
		return n, err == nil
	}
	return 0, false
}

// float returns a msgpack float of either size.
func (v value) float() float64 {
	if msgp.NextType(v) == msgp.Float32Type {
		f, _, _ := msgp.ReadFloat32Bytes(v)
		return float64(f)
	}
	f, _, _ := msgp.ReadFloat64Bytes(v)
	return f
}
