package wire

import "fmt"

// Limits bound what one frame may make a decoder do. They are checked before
// anything is allocated. A zero field means the default.
type Limits struct {
	Frame int // bytes of one frame, default 256 MiB
	Depth int // nesting of arrays and maps, default 512, what Python's encoder can make
	Items int // entries of all maps and arrays of a frame that are decoded, default 65,536

	// TextKeys refuses map keys that are not text or bytes, as the decoders
	// around a grading container do (PROTOCOL.md 5.2).
	TextKeys bool
}

const (
	defaultFrame = 256 << 20
	defaultDepth = 512
	defaultItems = 65536
)

func (l Limits) withDefaults() Limits {
	if l.Frame == 0 {
		l.Frame = defaultFrame
	}
	if l.Depth == 0 {
		l.Depth = defaultDepth
	}
	if l.Items == 0 {
		l.Items = defaultItems
	}
	return l
}

// Check reports whether frame is exactly one value that a Python decoder takes:
// complete, nothing behind it, text in UTF-8, no extension types, map keys that
// can be hashed. It allocates nothing. The errors are [ErrLimit] and [ErrMsgpack].
func (l Limits) Check(frame []byte) error {
	l = l.withDefaults()
	if len(frame) > l.Frame {
		return fmt.Errorf("%w: a frame of %d bytes", ErrLimit, len(frame))
	}
	w := walker{b: frame, depth: l.Depth, strict: true, textKeys: l.TextKeys}
	end, err := w.value(0, 0)
	if err == nil && end != len(frame) {
		err = errTrailing
	}
	return err
}

// Walk calls f for each entry of the map m, in order, and stops at f's first
// error, which it returns. An empty m is an empty map. Besides f's errors there
// are [ErrValue] if m is not a map, [ErrLimit] and [ErrMsgpack] for bytes that do
// not hold together; the rest is for [Limits.Check]. The slices share m's memory.
func (l Limits) Walk(m Raw, f func(key, value Raw) error) error {
	if len(m) == 0 {
		return nil
	}
	s, err := l.open(m, KindMap)
	for err == nil && s.left > 0 {
		var k, v Raw
		if k, v, err = s.pair(); err == nil {
			err = f(k, v)
		}
	}
	return err
}

// List is [Limits.Walk] for the elements of the array a.
func (l Limits) List(a Raw, f func(value Raw) error) error {
	s, err := l.open(a, KindArray)
	for err == nil && s.left > 0 {
		var v Raw
		if v, err = s.next(); err == nil {
			err = f(v)
		}
	}
	return err
}

// open prepares to read the entries of v, a map or an array.
func (l Limits) open(v Raw, kind Kind) (scanner, error) {
	l = l.withDefaults()
	s, err := scan(v, kind, l)
	if err == nil && s.count > l.Items {
		err = fmt.Errorf("%w: %d entries", ErrLimit, s.count)
	}
	return s, err
}
