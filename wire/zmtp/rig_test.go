package zmtp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long something that must happen may take.
const patience = time.Minute

// abstract is an address in the abstract namespace. All programs of the machine
// share that, other runs of these tests too.
func abstract(name string) string { return fmt.Sprintf("ipc://@ingot-%s-%d", name, os.Getpid()) }

// listen makes a Router that is closed and read empty at the end.
func listen(tb testing.TB, addr string, cfg Config) *Router {
	tb.Helper()
	r, err := Listen(addr, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { finish(tb, r, r.Close) })
	return r
}

// connect makes a Dealer that is closed and read empty at the end.
func connect(tb testing.TB, addr string, cfg Config) *Dealer {
	tb.Helper()
	d, err := Dial(addr, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { finish(tb, d, d.Close) })
	return d
}

type hasEvents interface{ Events() <-chan wire.Event }

func finish(tb testing.TB, e hasEvents, shut func() error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range e.Events() { // the test is over
		}
	}()
	if err := shut(); err != nil {
		tb.Errorf("close: %v", err)
	}
	<-done
}

// next returns the next event, which must be of this kind.
func next(tb testing.TB, e hasEvents, kind wire.EventKind) wire.Event {
	tb.Helper()
	late := time.After(patience)
	for {
		select {
		case ev, ok := <-e.Events():
			if ok && ev.Kind == wire.PeerAlive && kind != wire.PeerAlive {
				continue // a long message on a slow machine
			}
			if !ok || ev.Kind != kind {
				tb.Fatalf("event %+v (open: %v), want kind %d", ev, ok, kind)
			}
			return ev
		case <-late:
			tb.Fatalf("no event, want kind %d", kind)
		}
	}
}

// raw is a peer that a test writes byte by byte.
type raw struct {
	tb testing.TB
	net.Conn
	r *bufio.Reader
}

func newRaw(tb testing.TB, nc net.Conn) *raw {
	tb.Cleanup(func() { nc.Close() })
	return &raw{tb, nc, bufio.NewReader(nc)}
}

// rawDial connects to a Router without saying anything.
func rawDial(tb testing.TB, r *Router) *raw {
	tb.Helper()
	nc, err := net.Dial(r.listeners[0].Addr().Network(), r.listeners[0].Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	if err := nc.SetReadDeadline(time.Now().Add(patience)); err != nil {
		tb.Fatal(err)
	}
	return newRaw(tb, nc)
}

// greeting is what opens a connection of ZMTP 3.minor.
func greeting(minor byte, mechanism string) string {
	return "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03" + string(minor) +
		(mechanism + strings.Repeat("\x00", 20))[:20] + strings.Repeat("\x00", 32)
}

// ready is the READY command of a DEALER, as libzmq spells it (PROTOCOL.md 1.1).
func ready(identity string) string {
	return command("\x05READY" + property("Socket-Type", "DEALER") + property("Identity", identity))
}

func property(name, value string) string {
	n := len(value)
	return string(rune(len(name))) + name + string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + value
}

func command(body string) string { return string(appendHeader(nil, flagCommand, len(body))) + body }

func message(body string) string { return string(appendHeader(nil, 0, len(body))) + body }

func (p *raw) send(s string) {
	p.tb.Helper()
	if _, err := io.WriteString(p.Conn, s); err != nil {
		p.tb.Fatalf("raw peer: write: %v", err)
	}
}

// shake greets as ZMTP 3.minor and reads the router's answer.
func (p *raw) shake(minor byte) {
	p.tb.Helper()
	wrote := make(chan struct{})
	go func() { // for a pipe, where both sides speak first
		defer close(wrote)
		io.WriteString(p.Conn, greeting(minor, "NULL")+ready("")) //nolint:errcheck // the reads below show it
	}()
	if _, err := io.ReadFull(p.r, make([]byte, greetingSize)); err != nil {
		p.tb.Fatalf("raw peer: greeting: %v", err)
	}
	if h, body := p.frame(); !h.command() || !strings.HasPrefix(body, "\x05READY") {
		p.tb.Fatalf("raw peer: frame %+v %q, want READY", h, body)
	}
	<-wrote
}

// frame reads one frame.
func (p *raw) frame() (header, string) {
	p.tb.Helper()
	h, err := readHeader(p.r)
	if err != nil {
		p.tb.Fatalf("raw peer: read: %v", err)
	}
	body, err := readBody(p.r, h.size, nil)
	if err != nil {
		p.tb.Fatalf("raw peer: read: %v", err)
	}
	return h, string(body)
}

// wantClosed reads until the router ends the connection.
func (p *raw) wantClosed() {
	p.tb.Helper()
	_, err := io.Copy(io.Discard, p.r)
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		p.tb.Fatal("raw peer: the connection was not closed")
	}
}

// rawUp makes a raw peer that is up, and the Router's name for it.
func rawUp(tb testing.TB, r *Router) (*raw, wire.Peer) {
	tb.Helper()
	p := rawDial(tb, r)
	p.shake(1)
	return p, next(tb, r, wire.PeerUp).Peer
}

// descriptors counts the open files of this process.
func descriptors(tb testing.TB) int {
	tb.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	return len(fds)
}
