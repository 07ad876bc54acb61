package mainsock

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxMessage is the largest message, in bytes. The largest there are carry half
// a megabyte of a student's output.
const maxMessage = 1 << 20

const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

var errProtocol = errors.New("not a ZeroMQ peer of ours")

// greet makes the handshake of ZMTP 3.0 with the NULL mechanism, as a socket of
// type kind. Both sides send first, so it does the same at both ends.
func greet(r *bufio.Reader, w io.Writer, kind string) error {
	var hello [64]byte
	hello[0], hello[9], hello[10] = 0xff, 0x7f, 3
	copy(hello[12:], "NULL")
	if _, err := w.Write(hello[:]); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	if _, err := io.ReadFull(r, hello[:]); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	if hello[0] != 0xff || hello[9]&1 != 1 || hello[10] < 3 || string(hello[12:17]) != "NULL\x00" {
		return fmt.Errorf("greet: %w", errProtocol)
	}
	ready := []byte("\x05READY")
	for _, p := range [][2]string{{"Socket-Type", kind}, {"Identity", ""}} {
		ready = append(append(ready, byte(len(p[0]))), p[0]...)
		ready = append(binary.BigEndian.AppendUint32(ready, uint32(len(p[1]))), p[1]...)
	}
	if err := writeFrame(w, flagCommand, ready); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	flags, body, err := readFrame(r)
	if err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	if flags&flagCommand == 0 || len(body) < 6 || string(body[:6]) != "\x05READY" {
		return fmt.Errorf("greet: %w", errProtocol)
	}
	return nil
}

func writeFrame(w io.Writer, flags byte, body []byte) error {
	_, err := w.Write(append(appendHeader(nil, flags, len(body)), body...))
	return err
}

func appendHeader(b []byte, flags byte, n int) []byte {
	if n > 255 {
		return binary.BigEndian.AppendUint64(append(b, flags|flagLong), uint64(n))
	}
	return append(b, flags, byte(n))
}

func readFrame(r *bufio.Reader) (flags byte, body []byte, err error) {
	if flags, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	var n uint64
	if flags&flagLong == 0 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		n = uint64(b)
	} else {
		var b [8]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, nil, err
		}
		n = binary.BigEndian.Uint64(b[:])
	}
	if n > maxMessage {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", errProtocol, n)
	}
	body = make([]byte, n)
	_, err = io.ReadFull(r, body)
	return flags, body, err
}

// readMessage reads the payload of the next message of a REQ or ROUTER, which
// stands behind an empty frame. Commands are passed over.
func readMessage(r *bufio.Reader) ([]byte, error) {
	for {
		flags, empty, err := readFrame(r)
		if err != nil {
			return nil, err
		}
		if flags&flagCommand != 0 {
			continue
		}
		if flags&flagMore == 0 || len(empty) > 0 {
			return nil, errProtocol
		}
		flags, payload, err := readFrame(r)
		if err != nil {
			return nil, err
		}
		if flags&(flagMore|flagCommand) != 0 {
			return nil, errProtocol
		}
		return payload, nil
	}
}

func writeMessage(w io.Writer, payload []byte) error {
	b := appendHeader([]byte{flagMore, 0}, 0, len(payload))
	_, err := w.Write(append(b, payload...))
	return err
}
