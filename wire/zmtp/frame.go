package zmtp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// The flags of a frame's first byte.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// maxHeader is the size of the longer form of a frame's header.
const maxHeader = 9

// appendHeader appends the header of a frame of n bytes.
func appendHeader(b []byte, flags byte, n int) []byte {
	if n > 255 {
		return binary.BigEndian.AppendUint64(append(b, flags|flagLong), uint64(n))
	}
	return append(b, flags, byte(n))
}

// header is what precedes the body of a frame.
type header struct {
	flags byte
	size  int64
}

func (h header) more() bool    { return h.flags&flagMore != 0 }
func (h header) command() bool { return h.flags&flagCommand != 0 }

// readHeader reads the next header. It returns io.EOF only where no byte of it
// was read.
func readHeader(r *bufio.Reader) (header, error) {
	flags, err := r.ReadByte()
	if err != nil {
		return header{}, err
	}
	if flags&^(flagMore|flagLong|flagCommand) != 0 || flags&(flagMore|flagCommand) == flagMore|flagCommand {
		return header{}, fmt.Errorf("frame with flags %#x: %w", flags, ErrProtocol)
	}
	if flags&flagLong == 0 {
		n, err := r.ReadByte()
		return header{flags, int64(n)}, inside(err)
	}
	b, err := r.Peek(8)
	if err != nil {
		return header{}, inside(err)
	}
	n := int64(binary.BigEndian.Uint64(b))
	if n < 0 {
		return header{}, fmt.Errorf("frame of 2^63 bytes or more: %w", ErrTooLarge)
	}
	_, err = r.Discard(8)
	return header{flags, n}, err
}

// inside turns the clean end of a stream into one in the middle of a frame.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A body up to firstAlloc is allocated at once. A larger one grows by growth
// whenever that much has arrived, so that announcing a length costs nothing.
const (
	firstAlloc = 1 << 20
	growth     = 8
)

// readBody reads n bytes into memory of their own, which it takes from spare if
// that has some.
func readBody(r io.Reader, n int64, spare *spare) ([]byte, error) {
	b := spare.take(n)
	if b == nil {
		b = make([]byte, min(n, firstAlloc))
	}
	for have := 0; ; {
		if _, err := io.ReadFull(r, b[have:]); err != nil {
			return nil, inside(err)
		}
		if have = len(b); int64(have) == n {
			return b, nil
		}
		grown := make([]byte, min(n, int64(have)*growth))
		copy(grown, b)
		b = grown
	}
}

// aliveEvery is how often the owner hears that a message is still coming.
const aliveEvery = time.Second

// slow reads the body of a message and calls alive while it takes long.
type slow struct {
	r     *bufio.Reader
	alive func()
	since time.Time // of the last call, or of the first time that there was not enough
}

func (s *slow) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if n < len(b) && err == nil {
		switch now := time.Now(); {
		case s.since.IsZero():
			s.since = now
		case now.Sub(s.since) >= aliveEvery:
			s.since = now
			s.alive()
		}
	}
	return n, err
}

// skipBody reads n bytes and forgets them.
func skipBody(r *bufio.Reader, n int64) error {
	for n > 0 {
		k, err := r.Discard(int(min(n, firstAlloc)))
		if n -= int64(k); err != nil {
			return inside(err)
		}
	}
	return nil
}
