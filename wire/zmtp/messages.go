package zmtp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

const (
	readBuffer   = 32 << 10
	maxPing      = 5 + 2 + 16 // name, TTL, context
	maxCommandIn = 4 << 10    // bytes of a command after the handshake
	maxExcess    = 8 << 30    // bytes of a message that nobody means: a value of msgpack has less than 4 GiB
)

// messages reads a peer's messages and its commands. It belongs to one goroutine.
type messages struct {
	r         *bufio.Reader
	maxSize   int64
	maxParts  int
	delimiter bool
	spare     *spare // nil: none
	// ping is called for each PING with the time that the peer allows itself to
	// be silent, zero if it does not say, and with the context to answer with.
	ping func(ttl time.Duration, context []byte)
	// alive is called about once a second while a payload is read; nil: never.
	alive func()
}

func newMessages(r io.Reader, cfg *Config, spare *spare, ping func(time.Duration, []byte)) *messages {
	return &messages{
		r: bufio.NewReaderSize(r, readBuffer), ping: ping, spare: spare,
		maxSize: cfg.MaxMessage, maxParts: cfg.MaxParts, delimiter: cfg.Delimiter,
	}
}

// next returns the next message as an event without its peer. The payload is the
// message's first frame, or with Delimiter the first after an empty one. Other
// frames are read and forgotten. The error is io.EOF only between messages.
func (m *messages) next() (wire.Event, error) {
	ev := wire.Event{Kind: wire.PeerMessage}
	var size int64
	taken := false
	for part := 0; ; {
		h, err := readHeader(m.r)
		if err != nil {
			if part > 0 {
				err = inside(err)
			}
			return ev, err
		}
		if h.command() {
			if err := m.command(h.size); err != nil {
				return ev, err
			}
			continue
		}
		part++
		// In this order nothing can overflow.
		if h.size > m.maxSize || size+h.size > m.maxSize || part > m.maxParts {
			if taken || h.more() || part > m.maxParts || h.size > maxExcess {
				return ev, fmt.Errorf("message of %d frames, at least %d bytes: %w", part, h.size, ErrTooLarge)
			}
			return m.excess(h.size)
		}
		size += h.size
		switch {
		case m.delimiter && part == 1 && h.size == 0 && h.more():
		case taken:
			err = skipBody(m.r, h.size)
		default:
			ev.Frame, err = readBody(m.body(h.size), h.size, m.spare)
			taken = true
		}
		if err != nil {
			return ev, err
		}
		if !h.more() {
			return ev, nil
		}
	}
}

// excess reads a payload of n bytes, more than the limit, without keeping it. It
// is handed up if the owner can answer it, else it ends the connection.
func (m *messages) excess(n int64) (wire.Event, error) {
	msg, err := wire.Skim(io.LimitReader(m.body(n), n))
	if err != nil {
		return wire.Event{}, fmt.Errorf("message of %d bytes: %w: %w", n, ErrTooLarge, err)
	}
	return wire.Event{Kind: wire.PeerExcess, Excess: msg}, nil
}

// body returns where to read a payload of n bytes. What fits into the buffer
// takes no time worth a word.
func (m *messages) body(n int64) io.Reader {
	if m.alive == nil || n <= readBuffer {
		return m.r
	}
	return &slow{r: m.r, alive: m.alive}
}

// command reads a command of n bytes. Only PING means something here.
func (m *messages) command(n int64) error {
	if n > maxCommandIn {
		return fmt.Errorf("command of %d bytes: %w", n, ErrTooLarge)
	}
	if n > maxPing {
		return skipBody(m.r, n)
	}
	b, err := m.r.Peek(int(n))
	if err != nil {
		return inside(err)
	}
	if ping, ok := bytes.CutPrefix(b, []byte("\x04PING")); ok {
		if len(ping) < 2 {
			return fmt.Errorf("PING of %d bytes: %w", n, ErrProtocol)
		}
		ttl := time.Duration(binary.BigEndian.Uint16(ping)) * 100 * time.Millisecond
		m.ping(ttl, bytes.Clone(ping[2:]))
	}
	_, err = m.r.Discard(int(n))
	return err
}
