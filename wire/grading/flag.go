package grading

import (
	"maps"
	"slices"

	"github.com/ingot-grading/ingot/wire"
	"github.com/tinylib/msgp/msgp"
)

// flag is a bool that reads any value as Python's truth: scripts pass on what
// they were called with.
type flag bool

// Msgsize returns the encoded size.
func (flag) Msgsize() int { return msgp.BoolSize }

// MarshalMsg appends f to b.
func (f flag) MarshalMsg(b []byte) ([]byte, error) { return msgp.AppendBool(b, bool(f)), nil }

// UnmarshalMsg reads any value from the front of b and returns the rest.
func (f *flag) UnmarshalMsg(b []byte) ([]byte, error) {
	var v wire.Raw
	rest, err := v.UnmarshalMsg(b)
	*f = flag(v.Truth())
	return rest, err
}

// IsZero reports whether there is no map at all; an empty one is sent.
func (t EnvTypes) IsZero() bool { return t == nil }

// Msgsize returns an upper bound for the encoded size.
func (t EnvTypes) Msgsize() int {
	n := msgp.MapHeaderSize
	for name := range t {
		n += wire.Text(name).Msgsize() + msgp.BoolSize
	}
	return n
}

// MarshalMsg appends t to b, in the order of the names.
func (t EnvTypes) MarshalMsg(b []byte) ([]byte, error) {
	b = msgp.AppendMapHeader(b, uint32(len(t)))
	for _, name := range slices.Sorted(maps.Keys(t)) {
		b, _ = wire.Text(name).MarshalMsg(b) // has no way to fail
		b = msgp.AppendBool(b, t[name])
	}
	return b, nil
}

// UnmarshalMsg reads a map from the front of b and returns the rest.
func (t *EnvTypes) UnmarshalMsg(b []byte) ([]byte, error) {
	var v wire.Raw
	rest, err := v.UnmarshalMsg(b)
	if err != nil {
		return b, err
	}
	*t = EnvTypes{}
	return rest, limits.Walk(v, func(key, value wire.Raw) error {
		name, ok := key.Text()
		if !ok {
			return wire.ErrValue
		}
		(*t)[name] = value.Truth()
		return nil
	})
}
