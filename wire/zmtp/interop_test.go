//go:build interop

package zmtp

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// python is a libzmq socket in a process of its own.
type python struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.Writer
	out chan string // the lines of its answers; closed when it ended
}

// newPython starts testdata/peer.py with a socket of this type. It is Debian's
// Python, where the package python3-zmq is; without it the test fails.
func newPython(t *testing.T, socket string) *python {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "testdata/peer.py", socket)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("python3 and python3-zmq are needed: %v", err)
	}
	p := &python{t, cmd, in, make(chan string, 1)}
	go func() {
		defer close(p.out)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.out <- lines.Text()
		}
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the process as a crash would.
func (p *python) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	for range p.out {    // until its stdout is closed
	}
	p.cmd.Wait() //nolint:errcheck // killed
}

func (p *python) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// start gives a command; answer waits for its answer.
func (p *python) start(format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		p.t.Fatalf("python: %v", err)
	}
}

func (p *python) answer() string {
	p.t.Helper()
	select {
	case line, ok := <-p.out:
		if !ok {
			p.t.Fatal("python ended")
		}
		return line
	case <-time.After(patience):
		p.t.Fatal("python: no answer")
	}
	return ""
}

func (p *python) do(format string, args ...any) string {
	p.t.Helper()
	p.start(format, args...)
	return p.answer()
}

// pattern is what peer.py sends for "send n b".
func pattern(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n) }

// received is what peer.py says of a message that it received.
func received(frame []byte) string {
	return fmt.Sprintf("1 %d %x", len(frame), sha256.Sum256(frame))
}

// exchange sends messages of several sizes both ways.
func exchange(t *testing.T, e interface {
	hasEvents
	Send(wire.Peer, []byte) error
}, peer wire.Peer, p *python, sizes ...int) {
	t.Helper()
	for i, n := range sizes {
		p.start("send %d %d", n, i)
		if ev := next(t, e, wire.PeerMessage); ev.Peer != peer || !bytes.Equal(ev.Frame, pattern(n, byte(i))) {
			t.Fatalf("got %d bytes of peer %d, want %d of %d", len(ev.Frame), ev.Peer, n, peer)
		}
		p.answer()
		frame := pattern(n, byte(i+1))
		if err := e.Send(peer, frame); err != nil {
			t.Fatal(err)
		}
		if got := p.do("recv"); got != received(frame) {
			t.Fatalf("python received %s, want %s", got, received(frame))
		}
	}
}

var sizes = []int{1, 0, 255, 256, 70_000, 3 << 20}

// addresses are one of each kind, to listen on.
func addresses(t *testing.T) map[string]string {
	return map[string]string{
		"ipv4": "tcp://127.0.0.1:*", "ipv6": "tcp://[::1]:*", "every address": "tcp://*:*",
		"ipc": "ipc://" + filepath.Join(t.TempDir(), "s"), "abstract": abstract("interop"),
	}
}

var identities = map[string]string{"no identity": "", "identity": "agent-1", "odd identity": "\xff\x00\xfe" + strings.Repeat("x", 252)}

func TestPythonDealer(t *testing.T) {
	for kind, addr := range addresses(t) {
		for name, id := range identities {
			t.Run(kind+" "+name, func(t *testing.T) {
				r := listen(t, addr, Config{})
				p := newPython(t, "DEALER")
				if id != "" {
					p.do("text IDENTITY %x", id)
				}
				p.do("connect %s", strings.Replace(r.Addr(), "[::]", "localhost", 1))
				up := next(t, r, wire.PeerUp)
				if id != "" && up.RoutingID != id || id == "" && (len(up.RoutingID) != 5 || up.RoutingID[0] != 0) {
					t.Errorf("routing id %q", up.RoutingID)
				}
				exchange(t, r, up.Peer, p, sizes...)
				p.kill()
				next(t, r, wire.PeerDown)
			})
		}
	}
}

func TestPythonRouter(t *testing.T) {
	for kind, addr := range addresses(t) {
		for name, id := range identities {
			t.Run(kind+" "+name, func(t *testing.T) {
				p := newPython(t, "ROUTER")
				at := strings.Replace(p.do("bind %s", addr), "[::]", "localhost", 1)
				d := connect(t, at, Config{Identity: id})
				peer := next(t, d, wire.PeerUp).Peer
				if err := d.Send(peer, []byte("hello")); err != nil {
					t.Fatal(err)
				}
				if got := p.do("recv"); got != received([]byte("hello")) {
					t.Fatalf("python received %s", got)
				}
				if got := p.do("id"); id != "" && got != fmt.Sprintf("%x", id) || id == "" && len(got) != 10 {
					t.Errorf("routing id %s", got)
				}
				exchange(t, d, peer, p, sizes...)
				p.kill()
				next(t, d, wire.PeerDown)
			})
		}
	}
}

// quiet checks that nothing happens for as long as several heartbeats.
func quiet(t *testing.T, e hasEvents, d time.Duration) {
	t.Helper()
	select {
	case ev := <-e.Events():
		t.Fatalf("event %+v (%v), want none", ev, ev.Err)
	case <-time.After(d):
	}
}

// Both sides ping, and the connection holds. zmq4 lost it every two seconds.
func TestHeartbeats(t *testing.T) {
	cfg := Config{PingEvery: 50 * time.Millisecond, Silence: 2 * time.Second}
	beats := func(p *python) {
		p.do("set HEARTBEAT_IVL 50")
		p.do("set HEARTBEAT_TIMEOUT 2000")
		p.do("set HEARTBEAT_TTL 2000")
	}
	t.Run("python dealer", func(t *testing.T) {
		r := listen(t, "tcp://127.0.0.1:*", cfg)
		p := newPython(t, "DEALER")
		beats(p)
		p.do("connect %s", r.Addr())
		peer := next(t, r, wire.PeerUp).Peer
		quiet(t, r, 5*time.Second)
		exchange(t, r, peer, p, 1, 1000, 64<<20)
	})
	t.Run("python router", func(t *testing.T) {
		p := newPython(t, "ROUTER")
		beats(p)
		d := connect(t, p.do("bind tcp://127.0.0.1:*"), cfg)
		peer := next(t, d, wire.PeerUp).Peer
		quiet(t, d, 5*time.Second)
		if err := d.Send(peer, nil); err != nil {
			t.Fatal(err)
		}
		p.do("recv")
		exchange(t, d, peer, p, 1, 1000, 64<<20)
	})
}

func TestLargeMessages(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{})
	p := newPython(t, "DEALER")
	p.do("connect %s", r.Addr())
	exchange(t, r, next(t, r, wire.PeerUp).Peer, p, 64<<20, 64<<20+1, 256<<20)
}

// A frozen peer is noticed, holds nobody up, and is welcome when it is back.
func TestFrozenPeer(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{PingEvery: 200 * time.Millisecond, Silence: 2 * time.Second})
	frozen, healthy := newPython(t, "DEALER"), newPython(t, "DEALER")
	frozen.do("connect %s", r.Addr())
	fp := next(t, r, wire.PeerUp).Peer
	healthy.do("connect %s", r.Addr())
	hp := next(t, r, wire.PeerUp).Peer

	frozen.signal(syscall.SIGSTOP)
	for range 16 {
		if err := r.Send(fp, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	exchange(t, r, hp, healthy, 1, 1<<20)
	if down := next(t, r, wire.PeerDown); down.Peer != fp {
		t.Errorf("peer %d is down, want %d", down.Peer, fp)
	}
	frozen.signal(syscall.SIGCONT)
	back := next(t, r, wire.PeerUp).Peer
	frozen.start("send 5 7")
	if ev := next(t, r, wire.PeerMessage); ev.Peer != back {
		t.Errorf("message from %d, want %d", ev.Peer, back)
	}
	exchange(t, r, hp, healthy, 1)
}

func TestPythonPeersRestart(t *testing.T) {
	t.Run("python dealer", func(t *testing.T) {
		r := listen(t, "tcp://127.0.0.1:*", Config{})
		for range 3 {
			p := newPython(t, "DEALER")
			p.do("connect %s", r.Addr())
			up := next(t, r, wire.PeerUp)
			exchange(t, r, up.Peer, p, 10)
			p.kill()
			if down := next(t, r, wire.PeerDown); down.Peer != up.Peer {
				t.Errorf("peer %d is down, want %d", down.Peer, up.Peer)
			}
		}
	})
	t.Run("python router", func(t *testing.T) {
		p := newPython(t, "ROUTER")
		at := p.do("bind tcp://127.0.0.1:*")
		d := connect(t, at, Config{})
		for range 3 {
			peer := next(t, d, wire.PeerUp).Peer
			if err := d.Send(peer, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			p.do("recv")
			exchange(t, d, peer, p, 10)
			p.kill()
			next(t, d, wire.PeerDown)
			p = newPython(t, "ROUTER")
			p.do("bind %s", at)
		}
	})
	t.Run("our router", func(t *testing.T) {
		r := listen(t, "tcp://127.0.0.1:*", Config{})
		p := newPython(t, "DEALER")
		p.do("connect %s", r.Addr())
		for range 3 {
			exchange(t, r, next(t, r, wire.PeerUp).Peer, p, 10)
			finish(t, r, r.Close)
			r = listen(t, r.Addr(), Config{})
		}
	})
	t.Run("our dealer", func(t *testing.T) {
		p := newPython(t, "ROUTER")
		at := p.do("bind tcp://127.0.0.1:*")
		for range 3 {
			d := connect(t, at, Config{Identity: "the same"})
			peer := next(t, d, wire.PeerUp).Peer
			if err := d.Send(peer, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			p.do("recv")
			exchange(t, d, peer, p, 10)
			finish(t, d, d.Close)
			p.do("set ROUTER_HANDOVER 1") // the next one may be quicker than its end
		}
	})
}

// A connection is served although the router still has the one before, whose end it
// has not heard of. Without numbers libzmq would not look at it.
func TestPythonRouterThatMissedAnEnd(t *testing.T) {
	p := newPython(t, "ROUTER")
	target := strings.TrimPrefix(p.do("bind tcp://127.0.0.1:*"), "tcp://")
	between, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer between.Close()
	near, far := make(chan net.Conn, 3), make(chan net.Conn, 3)
	go func() { // passes on, and lets the router have its end for ever
		for {
			a, err := between.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", target)
			if err != nil {
				return // the test sees that nothing comes
			}
			far <- b
			near <- a
			go func() { _, _ = io.Copy(a, b) }()
			go func() { _, _ = io.Copy(b, a) }()
		}
	}()
	d := connect(t, "tcp://"+between.Addr().String(), Config{Identity: "me", NumberConnections: true})
	for i := range 2 {
		peer := next(t, d, wire.PeerUp).Peer
		if err := d.Send(peer, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		p.do("recv")
		if got, want := p.do("id"), fmt.Sprintf("%x", fmt.Sprint("me.", i+1)); got != want {
			t.Errorf("routing id %s, want %s", got, want)
		}
		exchange(t, d, peer, p, 10)
		defer (<-far).Close()
		(<-near).Close()
		next(t, d, wire.PeerDown)
	}
}

// What is sent just before Close arrives.
func TestCloseFlushesToPython(t *testing.T) {
	r, err := Listen("tcp://127.0.0.1:*", Config{Linger: patience})
	if err != nil {
		t.Fatal(err)
	}
	p := newPython(t, "DEALER")
	p.do("connect %s", r.Addr())
	peer := next(t, r, wire.PeerUp).Peer
	frame := pattern(8<<20, 1)
	for range 4 {
		if err := r.Send(peer, frame); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, r, r.Close)
	for range 4 {
		if got := p.do("recv"); got != received(frame) {
			t.Fatalf("python received %s", got)
		}
	}
}

func TestRequestReply(t *testing.T) {
	t.Run("python REQ", func(t *testing.T) {
		r := listen(t, abstract("req"), Config{Delimiter: true})
		p := newPython(t, "REQ")
		p.do("connect %s", r.Addr())
		exchange(t, r, next(t, r, wire.PeerUp).Peer, p, sizes...)
	})
	t.Run("python REP", func(t *testing.T) {
		p := newPython(t, "REP")
		d := connect(t, p.do("bind tcp://127.0.0.1:*"), Config{Delimiter: true})
		peer := next(t, d, wire.PeerUp).Peer
		if err := d.Send(peer, []byte("request")); err != nil {
			t.Fatal(err)
		}
		if got := p.do("recv"); got != received([]byte("request")) {
			t.Fatalf("python received %s", got)
		}
		p.do("send 5 9")
		if ev := next(t, d, wire.PeerMessage); !bytes.Equal(ev.Frame, pattern(5, 9)) {
			t.Errorf("reply %q", ev.Frame)
		}
	})
	t.Run("REQ at a router without delimiters", func(t *testing.T) {
		r := listen(t, abstract("req"), Config{})
		p := newPython(t, "REQ")
		p.do("connect %s", r.Addr())
		next(t, r, wire.PeerUp)
		p.do("send 5 9")
		if ev := next(t, r, wire.PeerMessage); len(ev.Frame) != 0 {
			t.Errorf("payload %q, want an empty one", ev.Frame)
		}
	})
}

func TestSecurityMechanisms(t *testing.T) {
	plainPeer := func(t *testing.T, addr, password string) *python {
		p := newPython(t, "DEALER")
		p.do("text PLAIN_USERNAME %x", "agent")
		p.do("text PLAIN_PASSWORD %x", password)
		p.do("text IDENTITY %x", password)
		p.do("connect %s", addr)
		return p
	}
	t.Run("PLAIN", func(t *testing.T) {
		r := listen(t, "tcp://127.0.0.1:*", withPlain("agent", "right"))
		plainPeer(t, r.Addr(), "wrong")
		newPython(t, "DEALER").do("connect %s", r.Addr())
		right := plainPeer(t, r.Addr(), "right")
		up := next(t, r, wire.PeerUp)
		if up.RoutingID != "right" {
			t.Fatalf("%q came up", up.RoutingID)
		}
		exchange(t, r, up.Peer, right, sizes...)
	})
	t.Run("python PLAIN server", func(t *testing.T) {
		p := newPython(t, "ROUTER")
		p.do("plain agent right")
		at := p.do("bind tcp://127.0.0.1:*")
		wrong := connect(t, at, withPlain("agent", "wrong"))
		d := connect(t, at, withPlain("agent", "right"))
		peer := next(t, d, wire.PeerUp).Peer
		quiet(t, wrong, 0)
		if err := d.Send(peer, nil); err != nil {
			t.Fatal(err)
		}
		p.do("recv")
		exchange(t, d, peer, p, sizes...)
	})
	t.Run("CURVE is refused", func(t *testing.T) {
		r := listen(t, "tcp://127.0.0.1:*", Config{})
		curve := newPython(t, "DEALER")
		curve.do("curve")
		curve.do("connect %s", r.Addr())
		p := newPython(t, "DEALER")
		p.do("connect %s", r.Addr())
		exchange(t, r, next(t, r, wire.PeerUp).Peer, p, 10)
	})
}
