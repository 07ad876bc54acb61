package zmtp

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

func TestPingIsAnswered(t *testing.T) {
	inBubble(t, Config{PingEvery: -1}, func(t *testing.T, r *Router, l *listener) {
		for _, minor := range []byte{0, 1} {
			p, peer := l.up(t, r, minor)
			for _, context := range []string{"", "context", "0123456789abcdef"} {
				p.send(command("\x04PING\x00\x00" + context))
				if h, body := p.frame(); !h.command() || body != "\x04PONG"+context {
					t.Errorf("answer %+v %q, want PONG %q", h, body, context)
				}
			}
			p.send(message("after")) // no PING was handed up before it
			if ev := next(t, r, wire.PeerMessage); string(ev.Frame) != "after" || ev.Peer != peer {
				t.Errorf("message %q", ev.Frame)
			}
		}
	})
}

// A PONG must not wait for everything that is queued.
func TestPongOvertakesTheQueue(t *testing.T) {
	inBubble(t, Config{PingEvery: -1}, func(t *testing.T, r *Router, l *listener) {
		p, peer := l.up(t, r, 1)
		for range 10 {
			if err := r.Send(peer, make([]byte, 100<<10)); err != nil {
				t.Fatal(err)
			}
		}
		p.send(command("\x04PING\x00\x00now"))
		synctest.Wait() // it was read; the writer waits for us
		for i := range 11 {
			if h, _ := p.frame(); h.command() {
				if i > 4 {
					t.Errorf("PONG after %d messages", i)
				}
				return
			}
		}
		t.Error("no PONG")
	})
}

func TestPingsAreSent(t *testing.T) {
	inBubble(t, Config{PingEvery: 5 * time.Second, Silence: 30 * time.Second}, func(t *testing.T, r *Router, l *listener) {
		p, _ := l.up(t, r, 1)
		start := time.Now()
		for i := range 20 {
			h, body := p.frame()
			if !h.command() || body != "\x04PING\x00\x00" {
				t.Fatalf("frame %+v %q, want PING with TTL 0", h, body)
			}
			if got, want := time.Since(start), time.Duration(i+1)*5*time.Second; got != want {
				t.Errorf("PING %d after %v, want %v", i, got, want)
			}
			p.send(command("\x04PONG"))
		}
	})
}

// A peer that does not know PING gets none, and may be silent.
func TestOldPeerMayBeSilent(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, r *Router, l *listener) {
		p, peer := l.up(t, r, 0)
		time.Sleep(24 * time.Hour)
		if err := r.Send(peer, []byte("still there")); err != nil {
			t.Fatal(err)
		}
		if _, body := p.frame(); body != "still there" {
			t.Errorf("got %q first", body)
		}
	})
}

func TestSilentPeerEnds(t *testing.T) {
	inBubble(t, Config{Silence: 30 * time.Second}, func(t *testing.T, r *Router, l *listener) {
		p, peer := l.up(t, r, 1)
		start := time.Now()
		go io.Copy(io.Discard, p.r) //nolint:errcheck // it reads, but says nothing
		down := next(t, r, wire.PeerDown)
		if took := time.Since(start); took != 30*time.Second || !errors.Is(down.Err, ErrSilent) || down.Peer != peer {
			t.Errorf("%+v after %v, want ErrSilent after 30s", down, took)
		}
	})
}

// The time that a peer allows itself counts, if it is shorter.
func TestPeersTTLCounts(t *testing.T) {
	inBubble(t, Config{PingEvery: -1}, func(t *testing.T, r *Router, l *listener) {
		p, _ := l.up(t, r, 1)
		start := time.Now()
		p.send(command("\x04PING\x00\x32")) // 5 s
		p.frame()
		down := next(t, r, wire.PeerDown)
		if took := time.Since(start); took != 5*time.Second || !errors.Is(down.Err, ErrSilent) {
			t.Errorf("%v after %v, want ErrSilent after 5s", down.Err, took)
		}
	})
}

// While a long message of ours moves, however slowly, the peer cannot be asked
// and is not blamed for its silence.
func TestLongWriteExcusesSilence(t *testing.T) {
	cfg := Config{PingEvery: 5 * time.Second, Silence: 10 * time.Second, Stall: 20 * time.Second}
	inBubble(t, cfg, func(t *testing.T, r *Router, l *listener) {
		p, peer := l.up(t, r, 1)
		const chunks = 20
		if err := r.Send(peer, make([]byte, chunks*writeChunk)); err != nil {
			t.Fatal(err)
		}
		if h, err := readHeader(p.r); err != nil || h.size != chunks*writeChunk {
			t.Fatalf("header %+v, %v", h, err)
		}
		for range chunks {
			time.Sleep(8 * time.Second)
			if err := skipBody(p.r, writeChunk); err != nil {
				t.Fatal(err)
			}
		}
		p.send(message("done"))
		if ev := next(t, r, wire.PeerMessage); string(ev.Frame) != "done" {
			t.Errorf("message %q", ev.Frame)
		}
	})
}

// What a frozen peer's kernel still takes shows no life.
func TestTrickleDoesNotExcuseSilence(t *testing.T) {
	cfg := Config{PingEvery: 5 * time.Second, Silence: 10 * time.Second}
	inBubble(t, cfg, func(t *testing.T, r *Router, l *listener) {
		p, peer := l.up(t, r, 1)
		go io.Copy(io.Discard, p.r) //nolint:errcheck // as a kernel would
		start := time.Now()
		trickle := time.NewTicker(time.Second)
		defer trickle.Stop()
		for {
			select {
			case <-trickle.C:
				r.Send(peer, []byte("are you there?")) //nolint:errcheck // the event shows it
			case down := <-r.Events():
				if took := time.Since(start); took != 10*time.Second || !errors.Is(down.Err, ErrSilent) {
					t.Errorf("%+v after %v, want ErrSilent after 10s", down, took)
				}
				return
			}
		}
	})
}

// A queue that never empties does not keep PINGs back.
func TestPingsGoBetweenMessages(t *testing.T) {
	cfg := Config{PingEvery: 5 * time.Second, Silence: 10 * time.Second}
	inBubble(t, cfg, func(t *testing.T, r *Router, l *listener) {
		p, peer := l.up(t, r, 1)
		for range 100 {
			if err := r.Send(peer, make([]byte, 20<<10)); err != nil {
				t.Fatal(err)
			}
		}
		pings := 0
		for messages := 0; messages < 100; {
			time.Sleep(time.Second)
			if h, _ := p.frame(); h.command() {
				pings++
				p.send(command("\x04PONG"))
			} else {
				messages++
			}
		}
		if pings < 10 {
			t.Errorf("%d PINGs in more than 100 s, want one every 5 s", pings)
		}
	})
}

func TestStalledWriteEnds(t *testing.T) {
	cfg := Config{PingEvery: -1, Stall: 20 * time.Second}
	inBubble(t, cfg, func(t *testing.T, r *Router, l *listener) {
		_, peer := l.up(t, r, 1)
		start := time.Now()
		if err := r.Send(peer, []byte("nobody reads this")); err != nil {
			t.Fatal(err)
		}
		down := next(t, r, wire.PeerDown)
		if took := time.Since(start); took != 20*time.Second || !errors.Is(down.Err, ErrStalled) {
			t.Errorf("%v after %v, want ErrStalled after 20s", down.Err, took)
		}
	})
}

// An owner that does not read Events for long is no reason to end a peer.
func TestSlowOwnerIsNotThePeersSilence(t *testing.T) {
	inBubble(t, Config{PingEvery: 5 * time.Second, Silence: 10 * time.Second}, func(t *testing.T, r *Router, l *listener) {
		p, _ := l.up(t, r, 1)
		go func() {
			p.send(strings.Repeat(message("x"), 3*eventsAhead))
			io.Copy(io.Discard, p.r) //nolint:errcheck // it reads, but answers no PING
		}()
		time.Sleep(time.Hour)
		for range 3 * eventsAhead {
			next(t, r, wire.PeerMessage)
		}
		start := time.Now()
		next(t, r, wire.PeerDown)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("down after %v, want 10s", took)
		}
	})
}

// The owner hears that a long message is coming, so that it does not take its
// peer for dead, also if it is the first of all.
func TestSlowMessageIsASignOfLife(t *testing.T) {
	for _, before := range []int{0, 1} {
		t.Run(fmt.Sprint(before, " before it"), func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, r *Router, l *listener) {
				p, peer := l.up(t, r, 1)
				for range before {
					p.send(message("short"))
					next(t, r, wire.PeerMessage)
				}
				slowMessage(t, r, p, peer)
			})
		})
	}
}

func slowMessage(t *testing.T, r *Router, p *raw, peer wire.Peer) {
	t.Helper()
	const chunk, chunks = 10 << 10, 100
	go func() {
		p.send(string(appendHeader(nil, 0, chunk*chunks)))
		for range chunks {
			p.send(strings.Repeat("x", chunk))
			time.Sleep(100 * time.Millisecond)
		}
		p.send(message("short"))
	}()
	alive, start := 0, time.Now()
	for ev := range r.Events() {
		if ev.Peer != peer {
			t.Fatalf("event %+v", ev)
		}
		if ev.Kind == wire.PeerMessage {
			if len(ev.Frame) != chunk*chunks {
				t.Errorf("a message of %d bytes", len(ev.Frame))
			}
			break
		}
		if alive++; ev.Kind != wire.PeerAlive || time.Since(start) > time.Duration(alive)*1100*time.Millisecond+200*time.Millisecond {
			t.Errorf("event %d, %+v, after %v", alive, ev, time.Since(start))
		}
	}
	if alive < 8 || alive > 10 {
		t.Errorf("%d signs of life in 10 s, want one a second", alive)
	}
	if ev := <-r.Events(); ev.Kind != wire.PeerMessage || string(ev.Frame) != "short" {
		t.Errorf("event %+v, want the next message", ev)
	}
}
