package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

// walker walks msgpack without building anything. Every value costs at least
// one byte of the frame, so its time is bounded by the frame and its memory by
// the depth.
//
// Python refuses text that is not UTF-8 and maps whose keys cannot be hashed,
// and a Python peer dies of what it refuses. A strict walker refuses both, so
// that they are not passed on. One strict walk per frame is enough.
type walker struct {
	b        []byte
	depth    int // containers inside each other, at most
	strict   bool
	textKeys bool // as in Limits, if strict
	inKey    bool // what is walked is part of a map key
}

// value walks the value at i and returns where it ends. level counts the
// containers around it.
func (w *walker) value(i, level int) (int, error) {
	if i >= len(w.b) {
		return i, ErrShort
	}
	c := w.b[i]
	i++
	switch {
	case c <= 0x7f, c >= 0xe0:
		return i, nil
	case c >= 0xa0 && c <= 0xbf:
		return w.shortText(i, int(c&0x1f))
	case c <= 0x8f:
		return w.entries(i, uint64(c&0x0f), level)
	case c <= 0x9f:
		return w.elements(i, uint64(c&0x0f), level)
	}
	return w.sized(c, i, level)
}

// sized walks the values that are not told by a range of first bytes.
func (w *walker) sized(c byte, i, level int) (int, error) {
	switch c {
	case 0xc0, 0xc2, 0xc3: // nil, false, true
		return i, nil
	case 0xcc, 0xd0:
		return w.skip(i, 1)
	case 0xcd, 0xd1:
		return w.skip(i, 2)
	case 0xca, 0xce, 0xd2:
		return w.skip(i, 4)
	case 0xcb, 0xcf, 0xd3:
		return w.skip(i, 8)
	}
	width := 0
	switch c {
	case 0xc4, 0xd9:
		width = 1
	case 0xc5, 0xda, 0xdc, 0xde:
		width = 2
	case 0xc6, 0xdb, 0xdd, 0xdf:
		width = 4
	default:
		return i, errCode
	}
	n, i, err := w.length(i, width)
	if err != nil {
		return i, err
	}
	switch c {
	case 0xc4, 0xc5, 0xc6:
		return w.skip(i, n)
	case 0xd9, 0xda, 0xdb:
		return w.text(i, n)
	case 0xdc, 0xdd:
		return w.elements(i, n, level)
	default:
		return w.entries(i, n, level)
	}
}

// length reads a length of width bytes.
func (w *walker) length(i, width int) (uint64, int, error) {
	end, err := w.skip(i, uint64(width))
	if err != nil {
		return 0, i, err
	}
	switch width {
	case 1:
		return uint64(w.b[i]), end, nil
	case 2:
		return uint64(binary.BigEndian.Uint16(w.b[i:])), end, nil
	default:
		return uint64(binary.BigEndian.Uint32(w.b[i:])), end, nil
	}
}

func (w *walker) skip(i int, n uint64) (int, error) {
	if n > uint64(len(w.b)-i) {
		return i, ErrShort
	}
	return i + int(n), nil
}

func (w *walker) text(i int, n uint64) (int, error) {
	end, err := w.skip(i, n)
	if err == nil && w.strict && !utf8.Valid(w.b[i:end]) {
		err = errUTF8
	}
	return end, err
}

// ascii8 reports whether the first n bytes of b are ASCII. n is at most 8, and
// b has at least 8 bytes: they are looked at together.
func ascii8(b []byte, n int) bool {
	return binary.LittleEndian.Uint64(b)<<(64-8*uint(n))&0x8080808080808080 == 0
}

// shortText is text for less than 32 bytes, which most texts have. It leaves to
// text what is not ASCII, and what is at the end of the frame.
func (w *walker) shortText(start, n int) (int, error) {
	end := start + n
	i := start
	if end+8 <= len(w.b) {
		for i+8 < end && ascii8(w.b[i:], 8) {
			i += 8
		}
		if i+8 >= end && ascii8(w.b[i:], end-i) {
			return end, nil
		}
	}
	return w.text(start, uint64(n))
}

func (w *walker) elements(i int, n uint64, level int) (int, error) {
	return w.inside(i, n, false, level+1)
}

func (w *walker) entries(i int, n uint64, level int) (int, error) {
	if w.inKey {
		return i, errKey // a map cannot be hashed
	}
	return w.inside(i, 2*n, true, level+1)
}

// inside walks n values, of which every other is a key if keyed says so. Short
// texts and small numbers, which most values are, stay in the loop.
func (w *walker) inside(i int, n uint64, keyed bool, level int) (_ int, err error) {
	if level > w.depth {
		return i, errDepth
	}
	if n > uint64(len(w.b)-i) {
		return i, ErrShort
	}
	for b := w.b; n > 0; n-- {
		if i >= len(b) {
			return i, ErrShort
		}
		c := b[i]
		switch {
		case c&0xe0 == 0xa0:
			size := int(c & 0x1f)
			if size <= 8 && i+9 <= len(b) && ascii8(b[i+1:], size) {
				i += 1 + size
				continue
			}
			i, err = w.shortText(i+1, size)
		case keyed && n&1 == 0:
			i, err = w.key(i, level)
		case c <= 0x7f:
			i++
			continue
		default:
			i, err = w.value(i, level)
		}
		if err != nil {
			return i, err
		}
	}
	return i, nil
}

// key walks the map key at i.
func (w *walker) key(i, level int) (int, error) {
	if !w.strict {
		return w.value(i, level)
	}
	if w.textKeys {
		if k := kinds[w.b[i]]; k != KindText && k != KindBytes {
			return i, errKey
		}
	}
	w.inKey = true
	i, err := w.value(i, level)
	w.inKey = false
	return i, err
}

// scanner hands out the values inside a map or an array, one by one.
type scanner struct {
	w     walker
	at    int
	count int // entries: pairs of a map, elements of an array
	left  int // values still to come
}

// scan prepares to read the inside of v, which must be of that kind.
func scan(v Raw, kind Kind, l Limits) (scanner, error) {
	if v.Kind() != kind || len(v) == 0 {
		return scanner{}, mismatch(kind.String(), v)
	}
	s := scanner{w: walker{b: v, depth: l.Depth}, at: 1}
	n := uint64(v[0] & 0x0f)
	if v[0] >= 0xdc {
		var err error
		if n, s.at, err = s.w.length(1, 2<<(v[0]&1)); err != nil {
			return scanner{}, err
		}
	}
	if n > uint64(len(v)) {
		return scanner{}, ErrShort
	}
	s.count, s.left = int(n), int(n)
	if kind == KindMap {
		s.left *= 2
	}
	return s, nil
}

// next returns the next value. The caller asks no more often than s.left says.
func (s *scanner) next() (Raw, error) {
	start := s.at
	end, err := s.w.value(start, 1)
	if err != nil {
		return nil, err
	}
	s.at = end
	s.left--
	return s.w.b[start:end:end], nil
}

// pair returns the next two values: in a map a key and what is under it.
func (s *scanner) pair() (first, second Raw, err error) {
	if first, err = s.next(); err == nil {
		second, err = s.next()
	}
	return first, second, err
}
