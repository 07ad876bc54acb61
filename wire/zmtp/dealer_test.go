package zmtp

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Pauses grow to RetryMax and are never all the same.
func TestDealerBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := Config{}.normal()
		if err != nil {
			t.Fatal(err)
		}
		var at []time.Time
		d := newDealer("nowhere", cfg, func(context.Context) (net.Conn, error) {
			at = append(at, time.Now())
			return nil, errors.New("nobody there")
		})
		time.Sleep(time.Hour)
		finish(t, d, d.Close)
		pauses := map[time.Duration]bool{}
		for i := 1; i < len(at); i++ {
			most := min(cfg.RetryMin<<min(i-1, 20), cfg.RetryMax)
			pause := at[i].Sub(at[i-1])
			if pause < most/2 || pause > most {
				t.Errorf("pause %d: %v, want %v to %v", i, pause, most/2, most)
			}
			pauses[pause] = true
		}
		if len(at) < 600 || len(pauses) < len(at)/2 {
			t.Errorf("%d attempts in an hour with %d different pauses", len(at), len(pauses))
		}
	})
}

// A server that lets a Dealer in and throws it out again, without a message, is
// not worth a quick retry; one that said something is.
func TestDealerSlowsDownForRefusals(t *testing.T) {
	attempts := func(t *testing.T, say string) (n int) {
		synctest.Test(t, func(t *testing.T) {
			cfg, err := Config{}.normal()
			if err != nil {
				t.Fatal(err)
			}
			var count atomic.Int64
			d := newDealer("server", cfg, func(context.Context) (net.Conn, error) {
				count.Add(1)
				mine, theirs := net.Pipe()
				go func() {
					p := newRaw(t, theirs)
					p.shake(1)
					p.send(say)
					theirs.Close()
				}()
				return mine, nil
			})
			go func() {
				time.Sleep(time.Minute)
				finish(t, d, d.Close)
			}()
			for range d.Events() {
			}
			n = int(count.Load())
		})
		return n
	}
	if n := attempts(t, ""); n > 30 {
		t.Errorf("%d attempts in a minute at a server that refuses, want a few", n)
	}
	if n := attempts(t, message("hello")); n < 500 {
		t.Errorf("%d attempts in a minute at a server that answers, want many", n)
	}
}

// A Dealer whose server is away takes no message at all: nothing is lost in
// silence, and nothing comes late.
func TestDealerWithoutServer(t *testing.T) {
	addr := abstract("nobody")
	d := connect(t, addr, Config{RetryMin: time.Millisecond, RetryMax: time.Millisecond})
	for p := range wire.Peer(3) {
		if err := d.Send(p, []byte("lost?")); !errors.Is(err, wire.ErrNoPeer) {
			t.Errorf("send to %d: %v, want ErrNoPeer", p, err)
		}
	}
	r := listen(t, addr, Config{})
	next(t, r, wire.PeerUp)
	peer := next(t, d, wire.PeerUp).Peer
	if err := d.Send(peer, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if ev := next(t, r, wire.PeerMessage); string(ev.Frame) != "hello" {
		t.Errorf("first message %q, want hello", ev.Frame)
	}
}

// A server that accepts and says nothing does not hold a Dealer, nor its Close.
func TestDealerLeavesSilentServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cfg := Config{Handshake: 20 * time.Millisecond, RetryMin: time.Millisecond, RetryMax: time.Millisecond}
	connect(t, "tcp://"+ln.Addr().String(), cfg)
	for range 3 {
		nc, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	slow := connect(t, "tcp://"+ln.Addr().String(), Config{Handshake: time.Hour})
	start := time.Now()
	finish(t, slow, slow.Close)
	if took := time.Since(start); took > patience/2 {
		t.Errorf("Close took %v", took)
	}
}

func TestDialErrors(t *testing.T) {
	for _, addr := range []string{"udp://127.0.0.1:1", "tcp://*:1", "tcp://127.0.0.1:0", "tls://127.0.0.1:1"} {
		if d, err := Dial(addr, Config{}); err == nil {
			d.Close()
			t.Errorf("%s: no error", addr)
		}
	}
}
