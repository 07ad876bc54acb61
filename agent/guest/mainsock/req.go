package mainsock

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"
)

// Req is the asking end. Ask and Next must alternate in the way of a REQ socket:
// a reply comes after a request only.
type Req struct {
	conn *net.UnixConn
	in   *bufio.Reader
}

// Dial connects to the socket file path.
func Dial(ctx context.Context, path string) (*Req, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("connect to the main process: %w", err)
	}
	q := &Req{conn: c.(*net.UnixConn), in: bufio.NewReader(c)}
	err = c.SetDeadline(time.Now().Add(handshake))
	if err == nil {
		err = greet(q.in, c, "REQ")
	}
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("connect to the main process: %w", err)
	}
	return q, nil
}

// Ask sends a request.
func (q *Req) Ask(payload []byte) error {
	if err := writeMessage(q.conn, payload); err != nil {
		return fmt.Errorf("ask the main process: %w", err)
	}
	return nil
}

// Next waits for the next reply.
func (q *Req) Next() ([]byte, error) {
	b, err := readMessage(q.in)
	if err != nil {
		return nil, fmt.Errorf("hear from the main process: %w", err)
	}
	return b, nil
}

// Close ends the connection; a Next that waits returns with an error.
func (q *Req) Close() { q.conn.Close() }
