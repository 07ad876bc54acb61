package zmtp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"
)

// Config is what [Listen] and [Dial] may be told. The zero value is good: each
// zero field means its default.
type Config struct {
	// Identity is the routing id that a Dealer announces, at most 255 bytes, the
	// first not zero. Empty lets the router choose one for each connection.
	Identity string
	// NumberConnections puts a dot and a number behind Identity, another one for each
	// connection. A ROUTER of libzmq pays no attention to a connection that announces
	// an id which it still has, and it has that of a broken one until it notices.
	NumberConnections bool
	// Delimiter makes this end talk as REQ and REP sockets do: an empty frame is
	// sent before each payload and taken off each one received.
	Delimiter bool

	MaxPeers      int   // connections a Router serves at a time, default 4,096
	MaxHandshakes int   // connections that may be in their handshake, default 1,024
	MaxMessage    int64 // bytes of one received message with all its frames, default 256 MiB
	MaxParts      int   // frames of one received message, default 64

	// QueueMessages and QueueBytes bound what waits for one peer, defaults 4,096
	// and 256 MiB; Offer fills one in [wire.OfferShare] of either. A longer message
	// is still taken when nothing else waits.
	QueueMessages int
	QueueBytes    int64

	Handshake time.Duration // from the connection to READY, default 5 s
	Stall     time.Duration // a write may make no progress for so long, default 30 s
	PingEvery time.Duration // between PINGs, default 5 s; negative: none are sent
	Silence   time.Duration // a peer that gets PINGs may send nothing for so long, default 30 s
	Linger    time.Duration // Close may flush for so long, default 1 s; negative: not at all
	RetryMin  time.Duration // a Dealer's first pause before it connects again, default 100 ms
	RetryMax  time.Duration // and its longest, default 5 s

	SocketMode fs.FileMode // of an ipc socket's file; zero leaves what the umask gave

	// TLS is for addresses that begin with tls://, and needed there. Its own
	// certificate and the pool that the peer's is checked against must be set:
	// ClientCAs to listen, RootCAs to dial. It is cloned; the version is raised
	// to 1.3, and a listener always asks for a client certificate.
	TLS *tls.Config
	// Plain makes both ends use ZeroMQ's PLAIN mechanism: a Dealer shows these
	// credentials, a Router lets in only who shows the same. They travel in
	// clear unless the address is tls:// or ipc://.
	Plain *Credentials

	Log *slog.Logger // nil: no log
}

// Credentials are a user and a password, each at most 255 bytes.
type Credentials struct {
	User     string
	Password string
}

// LogValue keeps the password out of logs.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.User + ":[redacted]") }

const defaultMaxMessage = 256 << 20

// or returns v, or def when v is zero.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// normal returns c with its defaults filled in, or says what is wrong with it.
func (c Config) normal() (Config, error) {
	c.MaxPeers = or(c.MaxPeers, 4096)
	c.MaxHandshakes = or(c.MaxHandshakes, 1024)
	c.MaxMessage = or(c.MaxMessage, defaultMaxMessage)
	c.MaxParts = or(c.MaxParts, 64)
	c.QueueMessages = or(c.QueueMessages, 4096)
	c.QueueBytes = or(c.QueueBytes, 256<<20)
	c.Handshake = or(c.Handshake, 5*time.Second)
	c.Stall = or(c.Stall, 30*time.Second)
	c.PingEvery = or(c.PingEvery, 5*time.Second)
	c.Silence = or(c.Silence, 30*time.Second)
	c.Linger = or(c.Linger, time.Second)
	c.RetryMin = or(c.RetryMin, 100*time.Millisecond)
	c.RetryMax = max(or(c.RetryMax, 5*time.Second), c.RetryMin)
	c.Log = or(c.Log, slog.New(slog.DiscardHandler))
	if min(c.MaxPeers, c.MaxHandshakes, c.MaxParts, c.QueueMessages) < 0 || min(c.MaxMessage, c.QueueBytes) < 0 {
		return c, errors.New("a limit is negative")
	}
	if min(c.Handshake, c.Stall, c.Silence, c.RetryMin) < 0 {
		return c, errors.New("a duration is negative")
	}
	longest := maxIdentity
	if c.NumberConnections {
		longest -= len(".18446744073709551615")
	}
	if len(c.Identity) > longest || strings.HasPrefix(c.Identity, "\x00") {
		return c, fmt.Errorf("identity %q: more than %d bytes or begins with a zero byte", c.Identity, longest)
	}
	if p := c.Plain; p != nil && max(len(p.User), len(p.Password)) > 255 {
		return c, errors.New("user or password of more than 255 bytes")
	}
	return c, nil
}
