package zmtp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-zeromq/zmq4"
)

const maxIdentity = 255

// hello is what a handshake tells of a peer.
type hello struct {
	identity string
	pings    bool // it understands PING, so ZMTP 3.1 or later
}

// shake makes the TLS handshake, if nc is a TLS connection, and the one of ZMTP.
// It takes at most cfg.Handshake. A failed one leaves nc to be closed.
func shake(ctx context.Context, nc net.Conn, typ zmq4.SocketType, cfg *Config) (hello, error) {
	if err := nc.SetDeadline(time.Now().Add(cfg.Handshake)); err != nil {
		return hello{}, err
	}
	if t, ok := nc.(*tls.Conn); ok {
		if err := t.HandshakeContext(ctx); err != nil {
			return hello{}, err
		}
	}
	h, err := open(nc, typ, cfg)
	if err != nil {
		return hello{}, err
	}
	return h, nc.SetDeadline(time.Time{})
}

// open runs zmq4's handshake. That library trusts a peer's lengths and names in
// places where it then panics; here this is the peer's error.
func open(nc net.Conn, typ zmq4.SocketType, cfg *Config) (h hello, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("handshake: %w: %v", ErrProtocol, r)
		}
	}()
	var sec zmq4.Security = null{}
	if cfg.Plain != nil {
		sec = plain{want: *cfg.Plain}
	}
	var id zmq4.SocketIdentity
	if typ == zmq4.Dealer {
		id = zmq4.SocketIdentity(cfg.Identity)
	}
	g := &guard{Conn: nc}
	zc, err := zmq4.Open(g, sec, typ, id, typ == zmq4.Router, nil)
	if err != nil {
		return hello{}, fmt.Errorf("handshake: %w", err)
	}
	h = hello{identity: zc.Peer.Meta["Identity"], pings: g.minor >= 1}
	switch {
	case len(h.identity) > maxIdentity:
		return hello{}, fmt.Errorf("handshake: identity of %d bytes: %w", len(h.identity), ErrTooLarge)
	case strings.HasPrefix(h.identity, "\x00"): // those that a router makes up begin so
		return hello{}, fmt.Errorf("handshake: identity %q: %w", h.identity, ErrProtocol)
	}
	return h, nil
}
