package mcq

import "github.com/tinylib/msgp/msgp"

// skip returns what follows the first value of b. It is msgp.Skip, made for the
// small values that nearly all of a job is made of, and without recursion: a
// job's bytes are walked several times, at each level once.
func skip(b []byte) ([]byte, error) {
	for todo := 1; todo > 0; todo-- {
		if len(b) == 0 {
			return b, msgp.ErrShortBytes
		}
		size, inside := 1, 0
		switch c := b[0]; {
		case c <= 0x7f, c >= 0xe0, c == 0xc0, c == 0xc2, c == 0xc3: // small numbers, nil, booleans
		case c >= 0xa0 && c <= 0xbf: // short texts
			size += int(c & 0x1f)
		case c == 0xd9 && len(b) > 1: // texts of up to 255 bytes
			size += 1 + int(b[1])
		case c >= 0x80 && c <= 0x8f: // small maps
			inside = 2 * int(c&0x0f)
		case c >= 0x90 && c <= 0x9f: // small arrays
			inside = int(c & 0x0f)
		default:
			rest, n, err := skipLarge(b)
			if err != nil {
				return b, err
			}
			size, inside = len(b)-len(rest), n
		}
		if size > len(b) || inside > len(b) {
			return b, msgp.ErrShortBytes // each value inside takes a byte at least
		}
		b = b[size:]
		todo += inside
	}
	return b, nil
}

// skipLarge skips a value that skip leaves to the library, but of a map or an
// array only the header. It returns how many values are inside.
func skipLarge(b []byte) (rest []byte, inside int, err error) {
	switch msgp.NextType(b) {
	case msgp.MapType:
		n, rest, err := msgp.ReadMapHeaderBytes(b)
		return rest, 2 * int(n), err
	case msgp.ArrayType:
		n, rest, err := msgp.ReadArrayHeaderBytes(b)
		return rest, int(n), err
	default:
		rest, err := msgp.Skip(b)
		return rest, 0, err
	}
}
