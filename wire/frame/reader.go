package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge refuses a frame over the limit.
var ErrTooLarge = errors.New("frame too large")

const (
	headerSize = 4
	firstSize  = 4 << 10 // bytes of a new buffer
	keepSize   = 1 << 20 // a buffer over this is let go after its frame
	maxEmpty   = 100     // reads in a row that may bring nothing
)

// Reader reads frames.
type Reader struct {
	src        io.Reader
	limit      int
	buf        []byte
	start, end int // of what is read and not yet handed out
	err        error
}

// NewReader returns a reader of frames of at most limit bytes, without their
// length. It reads ahead: nobody else may read from src.
func NewReader(src io.Reader, limit int) *Reader { return &Reader{src: src, limit: limit} }

// Next returns the next frame, which is valid until Next is called again.
//
// At a clean end the error is io.EOF, inside a frame it is io.ErrUnexpectedEOF
// (the container was killed), for a frame over the limit [ErrTooLarge], else
// what src returned. Every error is final.
func (r *Reader) Next() ([]byte, error) {
	if r.end == r.start {
		r.rewind()
	}
	if err := r.fill(headerSize); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(r.buf[r.start:])
	if uint64(n) > uint64(r.limit) {
		r.err = fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, n, r.limit)
		return nil, r.err
	}
	size := headerSize + int(n)
	if err := r.fill(size); err != nil {
		return nil, err
	}
	frame := r.buf[r.start+headerSize : r.start+size : r.start+size]
	r.start += size
	return frame, nil
}

// rewind begins at the front of the buffer again, or of a small one after a
// large frame.
func (r *Reader) rewind() {
	r.start, r.end = 0, 0
	if len(r.buf) > keepSize {
		r.buf = nil
	}
}

// fill reads until size bytes are there. At most a read-ahead beyond them is kept.
func (r *Reader) fill(size int) error {
	for empty := 0; r.end-r.start < size; {
		if r.err != nil {
			if r.end > r.start && errors.Is(r.err, io.EOF) {
				r.err = io.ErrUnexpectedEOF
			}
			return r.err
		}
		r.makeRoom(size)
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		switch {
		case err != nil:
			r.err = err
		case n > 0:
			empty = 0
		default:
			if empty++; empty == maxEmpty {
				r.err = io.ErrNoProgress
			}
		}
	}
	return nil
}

// makeRoom sees to it that something can be read behind r.end: by moving what
// is there to the front, or, for a frame of size bytes that does not fit, by
// doubling the buffer.
func (r *Reader) makeRoom(size int) {
	if r.end < len(r.buf) {
		return
	}
	to := r.buf
	if r.start == 0 {
		to = make([]byte, max(firstSize, min(2*len(r.buf), size)))
	}
	r.end = copy(to, r.buf[r.start:r.end])
	r.buf, r.start = to, 0
}
