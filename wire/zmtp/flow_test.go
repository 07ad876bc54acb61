package zmtp

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

func TestQueueBudget(t *testing.T) {
	tests := []struct {
		name     string
		cfg      Config
		share    int
		size     int
		most     int // messages taken at once
		released bool
	}{
		{"messages", Config{QueueMessages: 3}, 1, 1, 3, true},
		{"bytes", Config{QueueBytes: 1000}, 1, 300, 3, true},
		{"one over all bounds", Config{QueueBytes: 1000}, 1, 5000, 1, true},
		{"messages offered", Config{QueueMessages: 24}, 8, 1, 3, true},
		{"bytes offered", Config{QueueBytes: 8000}, 8, 300, 3, true},
		{"one offered over all bounds", Config{QueueBytes: 8000}, 8, 5000, 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := tt.cfg.normal()
			if err != nil {
				t.Fatal(err)
			}
			q := newQueue(&cfg)
			for range 3 {
				for i := range tt.most {
					if err := q.put(make([]byte, tt.size), tt.share); err != nil {
						t.Fatalf("message %d: %v", i, err)
					}
				}
				if err := q.put(make([]byte, tt.size), tt.share); !errors.Is(err, wire.ErrQueueFull) {
					t.Errorf("message %d: %v, want ErrQueueFull", tt.most, err)
				}
				got, _ := q.take(nil)
				if err := q.put(make([]byte, tt.size), tt.share); !errors.Is(err, wire.ErrQueueFull) {
					t.Errorf("before anything was written: %v, want ErrQueueFull", err)
				}
				q.release(len(got), int64(len(got)*tt.size))
			}
			q.close()
			if err := q.put(nil, tt.share); !errors.Is(err, wire.ErrNoPeer) {
				t.Errorf("after close: %v, want ErrNoPeer", err)
			}
		})
	}
}

// Whoever sends at the same time, frames arrive whole, and each sender's in order.
func TestConcurrentSends(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{QueueMessages: 1 << 20})
	p, peer := rawUp(t, r)
	const senders, each = 8, 500
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				frame := make([]byte, 8+(i*37)%2000)
				binary.BigEndian.PutUint32(frame, uint32(s))
				binary.BigEndian.PutUint32(frame[4:], uint32(i))
				if err := r.Send(peer, frame); err != nil {
					t.Errorf("send: %v", err)
				}
			}
		})
	}
	var seen [senders]uint32
	for range senders * each {
		h, body := p.frame()
		if h.flags&^flagLong != 0 || len(body) < 8 {
			t.Fatalf("frame %+v of %d bytes", h, len(body))
		}
		s, i := binary.BigEndian.Uint32([]byte(body)), binary.BigEndian.Uint32([]byte(body[4:]))
		if seen[s] != i || len(body) != 8+int(i)*37%2000 {
			t.Fatalf("sender %d: message %d of %d bytes, want message %d", s, i, len(body), seen[s])
		}
		seen[s]++
	}
	wg.Wait()
}

// A peer that floods takes turns with the others.
func TestFloodIsFair(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{})
	flood, _ := rawUp(t, r)
	quiet, quietPeer := rawUp(t, r)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for frames := []byte(message("flood")); ; {
			if _, err := flood.Write(frames); err != nil {
				return
			}
		}
	}()
	for range 100 {
		next(t, r, wire.PeerMessage) // the flood is there
	}
	const count = 50
	quiet.send(strings.Repeat(message("quiet"), count))
	floods := 0
	for quiets := 0; quiets < count; {
		if next(t, r, wire.PeerMessage).Peer == quietPeer {
			quiets++
		} else if quiets > 0 {
			floods++
		}
	}
	if floods > 200*count {
		t.Errorf("%d messages of the flood between %d others that waited", floods, count)
	}
	flood.Close()
	<-gone
}

// While the owner reads nothing, each peer costs one message and a buffer.
func TestReadAheadIsBounded(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{})
	p, _ := rawUp(t, r)
	if err := p.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	frame := []byte(message(string(make([]byte, 1<<20))))
	n := 0
	for range 1000 {
		k, err := p.Write(frame)
		n += k
		if err != nil {
			break
		}
	}
	if n > 100<<20 { // the kernel's buffers are most of it
		t.Errorf("%d MiB were read from a peer whose messages nobody takes", n>>20)
	}
}

// worst answers how long the slowest of ten echoes through a healthy peer takes.
func worst(t *testing.T, r *Router, d *Dealer, rp, dp wire.Peer) (took time.Duration) {
	t.Helper()
	frame := make([]byte, 100)
	for range 10 {
		start := time.Now()
		if err := r.Send(rp, frame); err != nil {
			t.Fatal(err)
		}
		next(t, d, wire.PeerMessage)
		if err := d.Send(dp, frame); err != nil {
			t.Fatal(err)
		}
		next(t, r, wire.PeerMessage)
		took = max(took, time.Since(start))
	}
	return took
}

// A peer that does not read delays nobody else. A busy machine leaves some of
// many short rounds alone. A lock would leave none: each begins with a message to
// that peer.
func TestStalledPeerDelaysNobody(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{QueueBytes: 1 << 30})
	_, stalled := rawUp(t, r)
	d := connect(t, r.Addr(), Config{})
	rp, dp := next(t, r, wire.PeerUp).Peer, next(t, d, wire.PeerUp).Peer
	alone, beside := time.Hour, time.Hour
	for range 50 {
		alone = min(alone, worst(t, r, d, rp, dp))
	}
	for range 64 {
		if err := r.Send(stalled, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		if err := r.Send(stalled, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		beside = min(beside, worst(t, r, d, rp, dp))
	}
	if beside > 10*alone {
		t.Errorf("the slowest echo of the best round took %v beside a stalled peer, %v alone", beside, alone)
	}
}

// acceptZMTP takes a connection and makes the handshake of a ROUTER.
func acceptZMTP(t *testing.T, ln net.Listener) *raw {
	t.Helper()
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p := newRaw(t, nc)
	p.shake(1)
	return p
}

// When the write side is the first to notice that the connection is dead,
// because the owner takes nothing, what came before is still handed up, Send
// does not wait, and the next connection is made.
func TestWriteNoticesFirst(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	d := connect(t, "tcp://"+ln.Addr().String(), Config{RetryMin: time.Millisecond})
	p := acceptZMTP(t, ln)
	peer := next(t, d, wire.PeerUp).Peer
	for range 20 {
		p.send(message("before"))
	}
	// The server reads the first answer and closes with the rest unread, so that
	// the kernel answers the next write with a reset.
	if err := d.Send(peer, []byte("answer")); err != nil {
		t.Fatal(err)
	}
	p.frame()
	p.Close()
	for range 1000 {
		if err := d.Send(peer, make([]byte, 1<<10)); err != nil {
			break
		}
	}
	count := 0
	for ev := range d.Events() {
		if ev.Kind == wire.PeerDown {
			break
		}
		count++
	}
	if count > 20 {
		t.Errorf("%d messages, 20 were sent", count)
	}
	again := acceptZMTP(t, ln)
	if up := next(t, d, wire.PeerUp); up.Peer == peer {
		t.Error("the new connection has the old name")
	} else if err := d.Send(up.Peer, []byte("again")); err != nil {
		t.Fatal(err)
	}
	if _, body := again.frame(); body != "again" {
		t.Errorf("got %q first on the new connection", body)
	}
}

// Close gives a peer that does not read no more than Linger.
func TestLingerIsBounded(t *testing.T) {
	inBubble(t, Config{Linger: 3 * time.Second, PingEvery: -1}, func(t *testing.T, r *Router, l *listener) {
		_, peer := l.up(t, r, 1)
		if err := r.Send(peer, []byte("nobody reads this")); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		finish(t, r, r.Close)
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("Close took %v, want 3s", took)
		}
	})
}

func TestDelimiterIsAddedAndTakenOff(t *testing.T) {
	r := listen(t, abstract("delimiter"), Config{Delimiter: true})
	d := connect(t, r.Addr(), Config{Delimiter: true})
	rp, dp := next(t, r, wire.PeerUp).Peer, next(t, d, wire.PeerUp).Peer
	for _, text := range []string{"request", ""} {
		if err := d.Send(dp, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if ev := next(t, r, wire.PeerMessage); string(ev.Frame) != text {
			t.Errorf("request %q, want %q", ev.Frame, text)
		}
		if err := r.Send(rp, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if ev := next(t, d, wire.PeerMessage); string(ev.Frame) != text {
			t.Errorf("reply %q, want %q", ev.Frame, text)
		}
	}
	p, peer := rawUp(t, r)
	if err := r.Send(peer, []byte("reply")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("\x01\x00\x00\x05reply"))
	if _, err := io.ReadFull(p.r, got); err != nil || string(got) != "\x01\x00\x00\x05reply" {
		t.Errorf("on the wire %q, %v", got, err)
	}
}

// Stats tells what waits for peers that do not read, in all and for the worst.
func TestStatsOfQueues(t *testing.T) {
	inBubble(t, Config{PingEvery: -1}, func(t *testing.T, r *Router, l *listener) {
		p, one := l.up(t, r, 1)
		q, other := l.up(t, r, 1)
		for peer, sizes := range map[wire.Peer][]int{one: {10_000, 20_000}, other: {9_000}} { // too long to wait in the writer's buffer
			for _, n := range sizes {
				if err := r.Send(peer, make([]byte, n)); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		if s := r.Stats(); s.Queued != 3 || s.QueuedBytes != 39_000 || len(s.Longest) != 2 || s.Longest[0].Bytes != 30_000 {
			t.Errorf("%+v, want 3 messages, 39,000 bytes, 30,000 of them for one peer", s)
		}
		p.frame()
		p.frame()
		q.frame()
		synctest.Wait()
		if s := r.Stats(); s.Queued != 0 || s.QueuedBytes != 0 || len(s.Longest) != 0 {
			t.Errorf("%+v after all was read", s)
		}
	})
}
