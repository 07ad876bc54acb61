package mainproc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
)

// maxFrame is the largest frame that is read, in bytes.
const maxFrame = 256 << 20

var errFrame = errors.New("not a frame")

// readFrame reads one frame, a map with a type. io.EOF is a clean end.
func readFrame(r io.Reader) (kind string, frame *pyjson.Object, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return "", nil, fmt.Errorf("%w: %d bytes", errFrame, n)
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(b) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", nil, err
	}
	v, err := pyjson.FromMsgpack(b)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	frame, ok := v.(*pyjson.Object)
	if ok {
		t, _ := frame.Get("type")
		kind, ok = t.(string)
	}
	if !ok {
		return "", nil, fmt.Errorf("%w: no type", errFrame)
	}
	return kind, frame, nil
}

// writeFrame writes a map as one frame.
func writeFrame(w io.Writer, o *pyjson.Object) error {
	b := pyjson.AppendMsgpack(make([]byte, 4), o)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write a frame: %w", err)
	}
	return nil
}
