package wire

import "github.com/tinylib/msgp/msgp"

// AppendTyped adds to dst the map of generated code m with one more entry in
// front: kind under "type", as messages in and around containers have it. The
// map has less than 15 entries. On m's error dst is returned as it was.
func AppendTyped(dst []byte, kind string, m msgp.Marshaler) ([]byte, error) {
	// Generated code writes a header and then the entries. So that the type
	// gets between them without moving anything, the header is written over the
	// last byte of the type, read there, and both are put right.
	b := append(dst, 0)
	b = msgp.AppendString(msgp.AppendString(b, "type"), kind)
	end := len(b) - 1
	last := b[end]
	b, err := m.MarshalMsg(b[:end])
	if err != nil {
		return dst, err
	}
	b[len(dst)] = b[end] + 1
	b[end] = last
	return b, nil
}
