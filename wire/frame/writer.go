package frame

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// smallFrame is up to how many bytes a frame is copied behind its length, to
// leave with one call. It is what a pipe holds.
const smallFrame = 64 << 10

// Writer writes frames.
type Writer struct {
	dst io.Writer
	buf []byte
}

// NewWriter returns a writer of frames to dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst} }

// Write writes one frame. It does not keep it. After an error the stream is
// broken, except for [ErrTooLarge], a frame of 4 GiB or more, which writes nothing.
func (w *Writer) Write(frame []byte) error {
	if uint64(len(frame)) > math.MaxUint32 {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, len(frame))
	}
	w.buf = binary.BigEndian.AppendUint32(w.buf[:0], uint32(len(frame)))
	small := len(frame) <= smallFrame
	if small {
		w.buf = append(w.buf, frame...)
	}
	_, err := w.dst.Write(w.buf)
	if err == nil && !small {
		_, err = w.dst.Write(frame)
	}
	if err != nil {
		return fmt.Errorf("write a frame: %w", err)
	}
	return nil
}
