package wiretest

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

func TestSuite(t *testing.T) {
	Suite(t, func(t *testing.T, test func(*testing.T, Ends)) {
		synctest.Test(t, func(t *testing.T) {
			n := NewNetwork(Config{QueueMessages: SuiteQueue, MaxMessage: SuiteMessage})
			test(t, Ends{
				Listen: func() (ClosableRouter, error) { return n.Listen("here") },
				Dial:   func(identity string) (ClosableDealer, error) { return n.Dial("here", identity), nil },
			})
		})
	})
}

// A simulated network must fail as a real one does.
func TestFailures(t *testing.T) {
	tests := []struct {
		name string
		test func(h *harness, n *Network)
	}{
		{"cut", cut},
		{"stall", stall},
		{"short partition", shortPartition},
		{"long partition", longPartition},
		{"a partition hides the end of a connection", hiddenEnd},
		{"killed dealer", killedDealer},
		{"killed router", killedRouter},
		{"close lingers only so long", linger},
		{"address in use", addressInUse},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := NewNetwork(Config{QueueMessages: SuiteQueue, MaxMessage: SuiteMessage})
				h := &harness{t: t, ends: Ends{
					Listen: func() (ClosableRouter, error) { return n.Listen("here") },
					Dial:   func(identity string) (ClosableDealer, error) { return n.Dial("here", identity), nil },
				}}
				defer h.closeAll()
				tt.test(h, n)
			})
		})
	}
}

func cut(h *harness, _ *Network) {
	r, rp, dealer, _ := h.pair()
	d := dealer.(*Dealer)
	h.send(r, rp, "lost")
	d.Stall(true) // so that it is still on its way, or is taken now
	d.Cut()
	d.Stall(false)
	if down := h.next(r, wire.PeerDown); !errors.Is(down.Err, syscall.ECONNRESET) {
		h.t.Errorf("router: down with %v, want a reset", down.Err)
	}
	for ev := range d.Events() {
		if ev.Kind == wire.PeerDown {
			break
		}
	}
	start := time.Now()
	h.next(d, wire.PeerUp)
	h.next(r, wire.PeerUp)
	if pause := time.Since(start); pause <= 0 || pause > time.Second {
		h.t.Errorf("connected again after %v", pause)
	}
}

func stall(h *harness, _ *Network) {
	r, rp, dealer, dp := h.pair()
	d := dealer.(*Dealer)
	d.Stall(true)
	full := 0
	for i := range 2 * SuiteQueue {
		if errors.Is(r.Send(rp, []byte(fmt.Sprint(i))), wire.ErrQueueFull) {
			full++
		}
	}
	if full != SuiteQueue {
		h.t.Errorf("%d frames refused, want %d", full, SuiteQueue)
	}
	h.send(d, dp, "late")
	time.Sleep(time.Hour)
	synctest.Wait()
	for _, e := range []hasEvents{r, d} {
		select {
		case ev := <-e.Events():
			h.t.Errorf("event %+v on a stalled link", ev)
		default:
		}
	}
	d.Stall(false)
	for i := range SuiteQueue {
		h.want(d, fmt.Sprint(i))
	}
	h.want(r, "late")
}

func shortPartition(h *harness, _ *Network) {
	r, rp, dealer, _ := h.pair()
	d := dealer.(*Dealer)
	d.Partition(true)
	d.Partition(true) // again changes nothing
	h.send(r, rp, "delayed")
	time.Sleep(29 * time.Second)
	d.Partition(false)
	h.want(d, "delayed")
	time.Sleep(time.Minute)
	h.send(r, rp, "still up")
	h.want(d, "still up")
}

func longPartition(h *harness, _ *Network) {
	r, rp, dealer, _ := h.pair()
	d := dealer.(*Dealer)
	d.Partition(true)
	h.send(r, rp, "lost")
	start := time.Now()
	for _, e := range []hasEvents{r, d} {
		if down := <-e.Events(); down.Kind != wire.PeerDown || !errors.Is(down.Err, ErrSilent) {
			h.t.Errorf("%+v, want PeerDown with ErrSilent", down)
		}
	}
	if took := time.Since(start); took != 30*time.Second {
		h.t.Errorf("down after %v, want 30s", took)
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	select {
	case ev := <-r.Events():
		h.t.Errorf("event %+v across a partition", ev)
	default:
	}
	d.Partition(false)
	h.next(r, wire.PeerUp)
	h.next(d, wire.PeerUp)
}

// Each side gives the connection up by itself. The other learns of it when the
// network is back, or when it has heard nothing for too long.
func hiddenEnd(h *harness, _ *Network) {
	r, rp, dealer, dp := h.pair()
	d := dealer.(*Dealer)
	d.Partition(true)
	d.Drop(dp, errWhy)
	if down := h.next(d, wire.PeerDown); !errors.Is(down.Err, errWhy) {
		h.t.Errorf("dealer: down with %v, want %v", down.Err, errWhy)
	}
	time.Sleep(10 * time.Second)
	synctest.Wait()
	select {
	case ev := <-r.Events():
		h.t.Errorf("event %+v across a partition", ev)
	default:
	}
	h.send(r, rp, "into the void")
	d.Partition(false)
	if down := h.next(r, wire.PeerDown); !errors.Is(down.Err, syscall.ECONNRESET) {
		h.t.Errorf("router: down with %v, want a reset", down.Err)
	}
	rp = h.next(r, wire.PeerUp).Peer
	h.next(d, wire.PeerUp)

	d.Partition(true)
	r.Drop(rp, errWhy)
	h.next(r, wire.PeerDown)
	start := time.Now()
	if down := <-d.Events(); down.Kind != wire.PeerDown || !errors.Is(down.Err, ErrSilent) || time.Since(start) != 30*time.Second {
		h.t.Errorf("dealer: %+v after %v, want PeerDown after 30 s of silence", down, time.Since(start))
	}
}

func killedDealer(h *harness, _ *Network) {
	r, _, dealer, dp := h.pair()
	d := dealer.(*Dealer)
	d.Stall(true)
	h.send(d, dp, "lost")
	d.Kill()
	if down := h.next(r, wire.PeerDown); !errors.Is(down.Err, syscall.ECONNRESET) {
		h.t.Errorf("down with %v, want a reset", down.Err)
	}
}

func killedRouter(h *harness, n *Network) {
	r, rp, d, _ := h.pair()
	for range SuiteQueue {
		h.send(r, rp, "mostly lost")
	}
	r.(*Router).Kill()
	again, err := n.Listen("here")
	if err != nil {
		h.t.Fatal(err)
	}
	defer finish(h.t, again, again.Close)
	messages := 0
	for ev := range d.Events() {
		if ev.Kind == wire.PeerDown {
			break
		}
		messages++
	}
	if messages > 1 {
		h.t.Errorf("%d messages of a killed router arrived, want at most the one under way", messages)
	}
	h.next(d, wire.PeerUp)
	h.next(again, wire.PeerUp)
}

func linger(h *harness, _ *Network) {
	r, rp, _, _ := h.pair()
	h.send(r, rp, "one")
	h.send(r, rp, "nobody reads this")
	start := time.Now()
	finish(h.t, r, r.Close)
	if took := time.Since(start); took != time.Second {
		h.t.Errorf("Close took %v, want 1s", took)
	}
}

func addressInUse(h *harness, n *Network) {
	r := h.listen()
	if _, err := n.Listen("here"); !errors.Is(err, syscall.EADDRINUSE) {
		h.t.Errorf("second Listen: %v, want EADDRINUSE", err)
	}
	finish(h.t, r, r.Close)
	h.listen()
}
