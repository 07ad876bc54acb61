package mainsock_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T) (path string, r *mainsock.Router) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "main.sock")
	r, err := mainsock.Listen(path, os.Geteuid(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return path, r
}

func dial(t *testing.T, path string) *mainsock.Req {
	t.Helper()
	q, err := mainsock.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

// A reply that nobody has asked for yet waits for the next request: a REQ of
// libzmq would throw it away.
func TestRepliesWaitForRequests(t *testing.T) {
	path, r := listen(t)
	q := dial(t, path)
	ask := func(text string) mainsock.Request {
		if err := q.Ask([]byte(text)); err != nil {
			t.Fatal(err)
		}
		got := <-r.Requests()
		if string(got.Payload) != text {
			t.Fatalf("asked %q, got %q", text, got.Payload)
		}
		got.Take()
		return got
	}
	hear := func(want string) {
		if got, err := q.Next(); err != nil || string(got) != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
	peer := ask("run").Peer
	peer.Reply([]byte("started"), nil)
	peer.Reply([]byte("ended"), nil) // too early
	hear("started")
	nothing := make(chan []byte)
	go func() {
		b, _ := q.Next()
		nothing <- b
	}()
	select {
	case b := <-nothing:
		t.Fatalf("%q came unasked", b)
	default:
	}
	ask("dummy")
	if b := <-nothing; string(b) != "ended" {
		t.Fatalf("got %q", b)
	}
}

func TestMessagesOfAllSizes(t *testing.T) {
	path, r := listen(t)
	q := dial(t, path)
	for _, n := range []int{0, 1, 255, 256, 512000, 1 << 20} {
		want := bytes.Repeat([]byte{7}, n)
		if err := q.Ask(want); err != nil {
			t.Fatal(err)
		}
		got := <-r.Requests()
		got.Take()
		got.Peer.Reply(got.Payload, nil)
		if back, err := q.Next(); err != nil || !bytes.Equal(back, want) {
			t.Fatalf("%d bytes: got %d, %v", n, len(back), err)
		}
	}
}

func TestManyPeersEachGetTheirOwn(t *testing.T) {
	path, r := listen(t)
	var peers []*mainsock.Req
	for i := range 20 {
		peers = append(peers, dial(t, path))
		if err := peers[i].Ask(fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for range peers {
		got := <-r.Requests()
		got.Take()
		got.Peer.Reply(got.Payload, nil)
	}
	for i, q := range peers {
		if b, err := q.Next(); err != nil || string(b) != fmt.Sprint(i) {
			t.Errorf("peer %d got %q, %v", i, b, err)
		}
	}
}

// Strangers are cut off and others are served as if they were not there.
func TestStrangersAreCutOff(t *testing.T) {
	path, r := listen(t)
	hello := append([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0}, make([]byte, 52)...)
	copy(hello[12:], "NULL")
	ready := append([]byte{4, 6}, "\x05READY"...)
	for name, bytes := range map[string][]byte{
		"text":             []byte("GET / HTTP/1.1\r\n\r\n0123456789012345678901234567890123456789012345678901234567890"),
		"another security": append([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, 'P'}, make([]byte, 51)...),
		"huge READY":       append(hello[:64:64], 6, 0, 0, 0, 0x10, 0, 0, 0, 0),
		"no READY":         append(hello[:64:64], 0, 1, 'x'),
		"no empty frame":   append(append(hello[:64:64], ready...), 0, 1, 'x'),
		"three frames":     append(append(hello[:64:64], ready...), 1, 0, 1, 1, 'x', 0, 1, 'y'),
		"huge frame":       append(append(hello[:64:64], ready...), 1, 0, 2, 0, 0, 0, 0, 0x7f, 0, 0, 0),
	} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(bytes); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Logf("%s: %v", name, err) // a reset is as good an end
		}
		c.Close()
	}
	q := dial(t, path)
	if err := q.Ask([]byte("still there?")); err != nil {
		t.Fatal(err)
	}
	if got := <-r.Requests(); string(got.Payload) != "still there?" {
		t.Errorf("got %q", got.Payload)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.sock")
	r, err := mainsock.Listen(path, os.Geteuid(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	q := dial(t, path)
	if err := q.Ask([]byte("nobody takes this")); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if _, err := q.Next(); err == nil {
		t.Error("a reply from a closed socket")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket file is still there: %v", err)
	}
}

// A reply was read when its peer asks for more, and will not be when that is gone.
func TestRepliesAreReadOrLost(t *testing.T) {
	path, r := listen(t)
	q := dial(t, path)
	var read []string
	note := func(text string) func() { return func() { read = append(read, text) } }
	take := func(what string, want ...string) (got mainsock.Request) {
		t.Helper()
		got = <-r.Requests()
		if ok := got.Take(); ok == got.Gone {
			t.Errorf("%s: a request: %v, gone: %v", what, ok, got.Gone)
		}
		if !slices.Equal(read, want) {
			t.Errorf("%s: read %q, want %q", what, read, want)
		}
		return got
	}
	ask := func() {
		t.Helper()
		if err := q.Ask(nil); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	peer := take("the first request").Peer
	peer.Reply(nil, note("first"))
	peer.Reply(nil, note("early"))
	ask()
	take("the second request", "first")
	peer.Reply(nil, nil)
	ask()
	take("the third request", "first", "early")
	peer.Reply(nil, note("too early"))
	q.Close()
	take("the end", "first", "early", "too early")
	peer.Reply(nil, note("too late"))
	if want := []string{"first", "early", "too early", "too late"}; !slices.Equal(read, want) {
		t.Errorf("after the end: read %q, want %q", read, want)
	}
}
