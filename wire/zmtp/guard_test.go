package zmtp

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// script is a connection whose other side has said all it will say.
type script struct {
	net.Conn // nil: what is not below must not be called
	in       io.Reader
	out      strings.Builder
}

func (s *script) Read(b []byte) (int, error)  { return s.in.Read(b) }
func (s *script) Write(b []byte) (int, error) { return s.out.Write(b) }
func (s *script) Close() error                { return nil }

// opened runs the handshake of a router against a peer that says in.
func opened(in string, cfg Config) (h hello, left int, out string, err error) {
	rest := strings.NewReader(in)
	s := &script{in: rest}
	h, err = open(s, zmq4.Router, &cfg)
	return h, rest.Len(), s.out.String(), err
}

func TestHandshakesOfPeers(t *testing.T) {
	meta := property("Socket-Type", "DEALER")
	tests := []struct {
		name string
		in   string
		want hello
		err  bool
	}{
		{name: "libzmq 4.3", in: greeting(1, "NULL") + ready(""), want: hello{pings: true}},
		{name: "ZMTP 3.0", in: greeting(0, "NULL") + ready(""), want: hello{}},
		{name: "identity", in: greeting(1, "NULL") + ready("\xff\x00\xfe"), want: hello{"\xff\x00\xfe", true}},
		{name: "longest identity", in: greeting(1, "NULL") + ready(strings.Repeat("i", 255)), want: hello{strings.Repeat("i", 255), true}},
		{name: "too long identity", in: greeting(1, "NULL") + ready(strings.Repeat("i", 256)), err: true},
		{name: "identity of a router's making", in: greeting(1, "NULL") + ready("\x00abcd"), err: true},
		{name: "no identity", in: greeting(1, "NULL") + command("\x05READY"+meta), want: hello{pings: true}},
		{name: "other properties", in: greeting(1, "NULL") + command("\x05READY"+property("X-A", "b")+meta), want: hello{pings: true}},
		{name: "lower case names", in: greeting(1, "NULL") + command("\x05READY"+property("socket-type", "DEALER")), want: hello{pings: true}},
		{name: "REQ", in: greeting(1, "NULL") + command("\x05READY"+property("Socket-Type", "REQ")), want: hello{pings: true}},
		{name: "SUB", in: greeting(1, "NULL") + command("\x05READY"+property("Socket-Type", "SUB")), err: true},
		{name: "unknown type", in: greeting(1, "NULL") + command("\x05READY"+property("Socket-Type", "NOPE")), err: true},
		{name: "no type", in: greeting(1, "NULL") + command("\x05READY"), err: true},
		{name: "cut property", in: greeting(1, "NULL") + command("\x05READY\x0bSocket-Type\x00\x00"), err: true},
		{name: "property longer than the command", in: greeting(1, "NULL") + command("\x05READY"+meta+"\x01a\x00\x00\x00\xff"), err: true},
		{name: "property of 4 GiB", in: greeting(1, "NULL") + command("\x05READY"+meta+"\x01a\xff\xff\xff\xff"), err: true},
		{name: "cut name", in: greeting(1, "NULL") + command("\x05READY\xff"), err: true},
		{name: "empty command", in: greeting(1, "NULL") + command(""), err: true},
		{name: "command name too long", in: greeting(1, "NULL") + command("\xffREADY"), err: true},
		{name: "other command", in: greeting(1, "NULL") + command("\x05HELLO"), err: true},
		{name: "a message", in: greeting(1, "NULL") + message("x"), err: true},
		{name: "READY with more", in: greeting(1, "NULL") + "\x05\x06\x05READY", err: true},
		{name: "READY of 64 GiB", in: greeting(1, "NULL") + "\x06\x00\x00\x00\x10\x00\x00\x00\x00", err: true},
		{name: "READY of 2^62", in: greeting(1, "NULL") + "\x06\x40\x00\x00\x00\x00\x00\x00\x00", err: true},
		{name: "READY of 2^64-1", in: greeting(1, "NULL") + "\x06\xff\xff\xff\xff\xff\xff\xff\xff", err: true},
		{name: "READY over the limit", in: greeting(1, "NULL") + command("\x05READY"+meta+property("X-A", strings.Repeat("x", maxCommand))), err: true},
		{name: "CURVE", in: greeting(1, "CURVE"), err: true},
		{name: "PLAIN where NULL is due", in: greeting(1, "PLAIN"), err: true},
		{name: "ZMTP 2.0", in: "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x05\x00\x00" + strings.Repeat("\x00", 64), err: true},
		{name: "HTTP", in: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", err: true},
		{name: "nothing", err: true},
		{name: "cut greeting", in: greeting(1, "NULL")[:63], err: true},
		{name: "cut READY", in: greeting(1, "NULL") + ready("")[:20], err: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, _, _, err := opened(tt.in, Config{})
			if (err != nil) != tt.err || h != tt.want {
				t.Errorf("got %+v, %v; want %+v, error: %v", h, err, tt.want, tt.err)
			}
		})
	}
}

// The handshake must leave what follows it, and must greet as ZMTP 3.1.
func TestHandshakeIsExact(t *testing.T) {
	_, left, out, err := opened(greeting(1, "NULL")+ready("")+message("first"), Config{})
	if err != nil || left != len(message("first")) {
		t.Errorf("%d bytes left, %v; want %d", left, err, len(message("first")))
	}
	if !strings.HasPrefix(out, "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x01NULL\x00") {
		t.Errorf("greeted with %q", out)
	}
}

func TestPlainRefuses(t *testing.T) {
	cfg := withPlain("agent", "secret")
	initiate := command("\x08INITIATE" + property("Socket-Type", "DEALER") + property("Identity", ""))
	tests := []struct {
		name, hello string
		in          bool
	}{
		{"right", "\x05agent\x06secret", true},
		{"wrong password", "\x05agent\x05wrong", false},
		{"wrong user", "\x04evil\x06secret", false},
		{"empty", "\x00\x00", false},
		{"nothing", "", false},
		{"prefix", "\x05agent\x05secre", false},
		{"longer", "\x05agent\x06secret\x00", false},
		{"lengths that lie", "\xffagent\x06secret", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, out, err := opened(greeting(1, "PLAIN")+command("\x05HELLO"+tt.hello)+initiate, cfg)
			if tt.in != (err == nil) || !tt.in && !errors.Is(err, ErrRefused) {
				t.Errorf("error %v, want in: %v", err, tt.in)
			}
			if welcome := strings.Contains(out, "WELCOME"); welcome != tt.in {
				t.Errorf("welcomed: %v, want %v", welcome, tt.in)
			}
		})
	}
	if _, _, _, err := opened(greeting(1, "NULL")+ready(""), cfg); err == nil {
		t.Error("a peer with NULL was let in where PLAIN is due")
	}
	if _, _, _, err := opened(greeting(1, "PLAIN")+initiate, cfg); err == nil {
		t.Error("INITIATE without HELLO was let in")
	}
}

func FuzzHandshake(f *testing.F) {
	for _, s := range []string{
		greeting(1, "NULL") + ready("id"), greeting(0, "NULL") + ready("") + message("x"),
		greeting(1, "PLAIN") + command("\x05HELLO\x01u\x01p") + command("\x08INITIATE"+property("Socket-Type", "DEALER")),
		greeting(1, "NULL") + command("\x05READY\x0bSocket-Type\x00\x00"),
		greeting(1, "NULL") + "\x06\x40\x00\x00\x00\x00\x00\x00\x00",
		"GET / HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, secured bool) {
		var cfg Config
		if secured {
			cfg = withPlain("u", "p")
		}
		start := time.Now()
		var h hello
		var left int
		var err error
		n := allocated(func() { h, left, _, err = opened(string(in), cfg) })
		if n > uint64(1<<20+64*len(in)) {
			t.Fatalf("%d bytes allocated for a handshake of %d", n, len(in))
		}
		if time.Since(start) > patience {
			t.Fatal("a handshake that does not end")
		}
		if used := len(in) - left; used > maxHandshake+maxCommand {
			t.Fatalf("%d bytes read, at most %d are allowed", used, maxHandshake)
		}
		if err != nil {
			return
		}
		if len(h.identity) > maxIdentity {
			t.Fatalf("identity of %d bytes", len(h.identity))
		}
		if secured && !strings.Contains(string(in), "\x05HELLO\x01u\x01p") {
			t.Fatal("let in without the credentials")
		}
	})
}
