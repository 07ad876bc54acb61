package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"iter"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
)

// Why a recording cannot be read to its end.
var (
	errCut   = errors.New("the recording ends inside a message")
	errStray = errors.New("no message starts here")
)

// piece is a part of a recording.
type piece struct {
	command bool // of ZeroMQ, such as READY
	data    []byte
}

// pieces cuts a recording into what it consists of. The last pair may have an
// error instead.
func pieces(data []byte) iter.Seq2[piece, error] {
	data = unhex(data)
	if isZMTP(data) {
		return zmtpFrames(data[greeting:])
	}
	return msgpackValues(data)
}

// unhex returns the bytes that hexadecimal digits stand for, with blanks and
// colons between them as tools print them, or data if it is something else.
func unhex(data []byte) []byte {
	digits := bytes.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n', ':':
			return -1
		}
		return r
	}, data)
	decoded := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(decoded, digits); err != nil {
		return data
	}
	return decoded
}

// greeting is how long the start of each side of a ZMTP 3 connection is.
const greeting = 64

// isZMTP reports whether data starts as a connection does (PROTOCOL.md 1.1).
func isZMTP(data []byte) bool {
	return len(data) >= greeting && data[0] == 0xff && data[9] == 0x7f && data[10] == 3
}

// zmtpFrames yields what follows a greeting.
func zmtpFrames(data []byte) iter.Seq2[piece, error] {
	const long, command = 2, 4 // flags
	return func(yield func(piece, error) bool) {
		for len(data) > 0 {
			flags, head := data[0], 2
			if flags&long != 0 {
				head = 9
			}
			if len(data) < head {
				yield(piece{data: data}, errCut)
				return
			}
			size := uint64(data[1])
			if flags&long != 0 {
				size = binary.BigEndian.Uint64(data[1:])
			}
			if size > uint64(len(data)-head) {
				yield(piece{data: data}, errCut)
				return
			}
			end := head + int(size)
			if !yield(piece{flags&command != 0, data[head:end]}, nil) {
				return
			}
			data = data[end:]
		}
	}
}

// msgpackValues yields the values of which data consists.
func msgpackValues(data []byte) iter.Seq2[piece, error] {
	return func(yield func(piece, error) bool) {
		for len(data) > 0 {
			if wire.Raw(data).Kind() != wire.KindMap {
				yield(piece{data: data}, errStray) // nor can be found where one does
				return
			}
			rest, err := msgp.Skip(data)
			if err != nil {
				yield(piece{data: data}, errCut)
				return
			}
			if !yield(piece{data: data[:len(data)-len(rest)]}, nil) {
				return
			}
			data = rest
		}
	}
}
