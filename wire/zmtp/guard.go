package zmtp

import (
	"encoding/binary"
	"fmt"
	"net"
)

// The bounds of a handshake. libzmq's is under 200 bytes.
const (
	greetingSize = 64
	maxCommand   = 8 << 10  // bytes of one command
	maxHandshake = 32 << 10 // bytes of all that a peer may send
)

// guard stands between zmq4's handshake and a stranger. It follows the frames
// as they pass and ends the connection before an announced length is believed.
// It never reads more than it was asked for, so that what follows the handshake
// stays in the connection.
//
// It also greets as ZMTP 3.1, for PING is answered here, where zmq4 says 3.0.
type guard struct {
	net.Conn
	read  int     // bytes received
	wrote int     // bytes sent
	minor byte    // of the peer's version; meaningful after its greeting
	head  [9]byte // of the frame that is being received
	have  int     // bytes of head
	body  int     // bytes of that frame still to come
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	for _, b := range p[:n] {
		if err := g.follow(b); err != nil {
			return 0, err
		}
	}
	return n, err
}

// follow takes the next byte received.
func (g *guard) follow(b byte) error {
	g.read++
	switch {
	case g.read > maxHandshake:
		return fmt.Errorf("handshake of more than %d bytes: %w", maxHandshake, ErrTooLarge)
	case g.read <= greetingSize:
		return g.greeting(b)
	case g.body > 0:
		g.body--
		return nil
	}
	g.head[g.have] = b
	g.have++
	return g.frame()
}

// greeting checks the bytes that zmq4 does not, and notes the version.
func (g *guard) greeting(b byte) error {
	switch g.read {
	case 1:
		if b != 0xff {
			return fmt.Errorf("greeting: %w", ErrProtocol)
		}
	case 12:
		g.minor = b
	}
	return nil
}

// frame looks at the header received so far.
func (g *guard) frame() error {
	var size uint64
	switch long := g.head[0]&flagLong != 0; {
	case g.head[0] != flagCommand && g.head[0] != flagCommand|flagLong:
		return fmt.Errorf("no command in the handshake: %w", ErrProtocol)
	case !long && g.have == 2:
		size = uint64(g.head[1])
	case long && g.have == 9:
		size = binary.BigEndian.Uint64(g.head[1:])
	default:
		return nil
	}
	if size > maxCommand {
		return fmt.Errorf("handshake command of %d bytes: %w", size, ErrTooLarge)
	}
	g.body, g.have = int(size), 0
	return nil
}

func (g *guard) Write(p []byte) (int, error) {
	const minorAt = 11
	if g.wrote <= minorAt && minorAt < g.wrote+len(p) {
		q := append([]byte(nil), p...)
		q[minorAt-g.wrote] = 1
		p = q
	}
	n, err := g.Conn.Write(p)
	g.wrote += n
	return n, err
}
