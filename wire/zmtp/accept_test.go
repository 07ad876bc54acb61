package zmtp

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// listener hands out what is put into it.
type listener struct {
	conns    chan net.Conn
	fails    error // returned while set
	attempts atomic.Int64
	closed   chan struct{}
}

func newListener() *listener {
	return &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	l.attempts.Add(1)
	if l.fails != nil {
		return nil, l.fails
	}
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { close(l.closed); return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2001} }

// inBubble runs test with a Router whose peers come through pipes, so that time
// is the bubble's.
func inBubble(t *testing.T, cfg Config, test func(t *testing.T, r *Router, l *listener)) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := cfg.normal()
		if err != nil {
			t.Fatal(err)
		}
		l := newListener()
		r := newRouter([]net.Listener{l}, "tcp", cfg)
		defer finish(t, r, r.Close)
		test(t, r, l)
	})
}

// dial connects a raw peer through a pipe.
func (l *listener) dial(t *testing.T) *raw {
	mine, theirs := net.Pipe()
	l.conns <- theirs
	return newRaw(t, mine)
}

// up connects a raw peer through a pipe and makes its handshake.
func (l *listener) up(t *testing.T, r *Router, minor byte) (*raw, wire.Peer) {
	t.Helper()
	p := l.dial(t)
	p.shake(minor)
	return p, next(t, r, wire.PeerUp).Peer
}

// Out of descriptors, accept must not spin.
func TestAcceptBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := Config{}.normal()
		if err != nil {
			t.Fatal(err)
		}
		l := newListener()
		l.fails = syscall.EMFILE
		r := newRouter([]net.Listener{l}, "tcp", cfg)
		time.Sleep(time.Minute)
		if n := l.attempts.Load(); n < 50 || n > 80 {
			t.Errorf("%d attempts in a minute, want about one a second", n)
		}
		finish(t, r, r.Close)
	})
}

func TestHandshakeDeadline(t *testing.T) {
	inBubble(t, Config{Handshake: 7 * time.Second}, func(t *testing.T, r *Router, l *listener) {
		start := time.Now()
		p := l.dial(t)
		p.wantClosed()
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("closed after %v, want 7s", took)
		}
	})
}

func TestTooManyPeers(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{MaxPeers: 2})
	_, first := rawUp(t, r)
	rawUp(t, r)
	third := rawDial(t, r)
	third.shake(1)
	third.wantClosed()
	if s := r.Stats(); s.Peers != 2 || s.Refused != 1 {
		t.Errorf("%+v, want 2 peers and 1 refused", s)
	}
	r.Drop(first, nil)
	next(t, r, wire.PeerDown)
	rawUp(t, r)
}

// A peer that comes back for its identity takes a place that it has already.
func TestNewConnectionTakesTheOldOnesPlace(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{MaxPeers: 1})
	var peers []*raw
	var last wire.Peer
	for range 4 {
		p := rawDial(t, r)
		p.send(greeting(1, "NULL") + ready("mine"))
		peers = append(peers, p)
		if last != 0 {
			if down := next(t, r, wire.PeerDown); down.Peer != last || !errors.Is(down.Err, ErrReplaced) {
				t.Errorf("%+v, want peer %d replaced", down, last)
			}
		}
		last = next(t, r, wire.PeerUp).Peer
	}
	for _, p := range peers[:3] {
		p.wantClosed()
	}
	if n := r.Stats().Peers; n != 1 {
		t.Errorf("%d peers, want the last", n)
	}
}

func TestOldestHandshakeGivesWay(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{MaxHandshakes: 2})
	oldest, older := rawDial(t, r), rawDial(t, r)
	echoes := rawDial(t, r)
	oldest.wantClosed()
	echoes.shake(1)
	next(t, r, wire.PeerUp)
	older.shake(1)
	next(t, r, wire.PeerUp)
}

// A Router without room says so and goes on.
func TestStaysUpThroughRefusals(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{MaxPeers: 1})
	p, peer := rawUp(t, r)
	for range 50 {
		q := rawDial(t, r)
		q.shake(1)
		q.wantClosed()
	}
	if err := r.Send(peer, []byte("x")); err != nil {
		t.Fatal(err)
	}
	p.frame()
	if err := r.Send(peer+1, nil); !errors.Is(err, wire.ErrNoPeer) {
		t.Errorf("send to a refused peer: %v, want ErrNoPeer", err)
	}
}
