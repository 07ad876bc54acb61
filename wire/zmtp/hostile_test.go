package zmtp

import (
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// echoServer makes a Router that sends back what it gets.
func echoServer(t *testing.T, cfg Config) *Router {
	t.Helper()
	r := listen(t, "tcp://127.0.0.1:*", cfg)
	go func() {
		for ev := range r.Events() {
			if ev.Kind == wire.PeerMessage {
				r.Send(ev.Peer, ev.Frame) //nolint:errcheck // the peer may have gone
			}
		}
	}()
	return r
}

// echo shows that the server serves, and leaves nothing behind.
func echo(t *testing.T, r *Router) {
	t.Helper()
	p := rawDial(t, r)
	p.shake(1)
	p.send(message("ping"))
	if _, body := p.frame(); body != "ping" {
		t.Fatalf("answer %q", body)
	}
	if err := p.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	p.wantClosed()
	p.Close()
}

// Connections that say nothing, or half of what is due, keep nobody else out,
// however many there are.
func TestHalfOpenConnections(t *testing.T) {
	r := echoServer(t, Config{MaxHandshakes: 100})
	whole := greeting(1, "NULL") + ready("")
	for i := range 1000 {
		rawDial(t, r).send(whole[:i%len(whole)])
	}
	echo(t, r)
	if s := r.Stats(); s.Handshakes > 100 || s.Peers != 0 {
		t.Errorf("%+v, want at most 100 in their handshake and no peer", s)
	}
}

// A greeting that comes a byte at a time ends at the deadline, and others are
// served meanwhile.
func TestSlowGreeting(t *testing.T) {
	r := echoServer(t, Config{Handshake: 500 * time.Millisecond})
	slow := rawDial(t, r)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := slow.Write([]byte{0xff}); err != nil {
				return
			}
		}
	}()
	echo(t, r)
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("the slow greeting is still welcome")
	}
}

var garbage = map[string]string{
	"HTTP":             "GET / HTTP/1.1\r\nHost: grader\r\n\r\n",
	"TLS":              "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x5a", 200),
	"zeros":            strings.Repeat("\x00", 100),
	"ones":             strings.Repeat("\xff", 200),
	"ZMTP 1.0":         "\x01\x00",
	"CURVE":            greeting(1, "CURVE"),
	"cut property":     greeting(1, "NULL") + command("\x05READY\x0bSocket-Type\x00\x00"),
	"READY of 64 GiB":  greeting(1, "NULL") + "\x06\x00\x00\x00\x10\x00\x00\x00\x00",
	"READY of 2^62":    greeting(1, "NULL") + "\x06\x40\x00\x00\x00\x00\x00\x00\x00",
	"frame of 2^62":    greeting(1, "NULL") + ready("") + "\x02\x40\x00\x00\x00\x00\x00\x00\x00",
	"frame of 64 GiB":  greeting(1, "NULL") + ready("") + "\x02\x00\x00\x00\x10\x00\x00\x00\x00",
	"frame of 2^48-1":  greeting(1, "NULL") + ready("") + "\x02\x00\x00\xff\xff\xff\xff\xff\xff",
	"command of 1 GiB": greeting(1, "NULL") + ready("") + "\x06\x00\x00\x00\x00\x40\x00\x00\x00",
	"reserved flags":   greeting(1, "NULL") + ready("") + "\x80\x00",
	"endless parts":    greeting(1, "NULL") + ready("") + strings.Repeat("\x01\x00", 2000),
}

// Each of these ended or stopped a zmq4 server.
func TestGarbageEndsOnlyItself(t *testing.T) {
	r := echoServer(t, Config{})
	for name, bytes := range garbage {
		p := rawDial(t, r)
		p.send(bytes)
		t.Run(name, func(*testing.T) { p.wantClosed() })
	}
	echo(t, r)
}

// What a stranger opened is closed with him, without the garbage collector.
func TestDescriptorsReturn(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	r := echoServer(t, Config{})
	echo(t, r)
	before := descriptors(t)
	for i := range 300 {
		p := rawDial(t, r)
		if i%3 == 0 {
			p.send("GET / HTTP/1.1\r\nHost: grader\r\n\r\n")
		} else {
			p.send(strings.Repeat(fmt.Sprint(i), 64))
		}
		p.wantClosed()
		p.Close()
	}
	for range 100 {
		echo(t, r)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	if s := r.Stats(); s.Failed != 300 || s.Handshakes != 0 {
		t.Errorf("%+v, want 300 failed handshakes and none under way", s)
	}
}
