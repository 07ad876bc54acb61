package wiretest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ingot-grading/ingot/wire"
)

func dealerFirst(h *harness) {
	d := h.dial("early")
	r := h.listen()
	h.next(r, wire.PeerUp)
	h.send(d, h.next(d, wire.PeerUp).Peer, "hello")
	h.want(r, "hello")
}

func routerRestart(h *harness) {
	r, _, d, dp := h.pair()
	for range 2 {
		finish(h.t, r, r.Close)
		if down := h.next(d, wire.PeerDown); down.Peer != dp {
			h.t.Errorf("down of peer %d, want %d", down.Peer, dp)
		}
		if err := d.Send(dp, nil); !errors.Is(err, wire.ErrNoPeer) {
			h.t.Errorf("send while the router is away: %v, want ErrNoPeer", err)
		}
		r = h.listen()
		rp := h.next(r, wire.PeerUp).Peer
		dp = h.next(d, wire.PeerUp).Peer
		h.send(r, rp, "again")
		h.want(d, "again")
	}
}

// fill sends until the queue is full. Nobody may read the other end.
func (h *harness) fill(e sender, p wire.Peer) (sent int) {
	h.t.Helper()
	return h.until(e.Send, p)
}

// until calls send until the queue is full for it.
func (h *harness) until(send func(wire.Peer, []byte) error, p wire.Peer) (sent int) {
	h.t.Helper()
	frame := make([]byte, 1<<20)
	for range 10_000 {
		switch err := send(p, frame); {
		case err == nil:
			sent++
		case errors.Is(err, wire.ErrQueueFull):
			return sent
		default:
			h.t.Fatalf("send: %v", err)
		}
	}
	h.t.Fatal("10,000 MiB taken for a peer that does not read")
	return 0
}

func queueFull(h *harness) {
	r, rp, d, dp := h.pair()
	if n := h.fill(r, rp); n < SuiteQueue {
		h.t.Errorf("router: %d messages taken, want at least %d", n, SuiteQueue)
	}
	if n := h.fill(d, dp); n < SuiteQueue {
		h.t.Errorf("dealer: %d messages taken, want at least %d", n, SuiteQueue)
	}
	r.Drop(rp, errWhy)
	for {
		ev := <-r.Events()
		if ev.Kind == wire.PeerDown {
			if !errors.Is(ev.Err, errWhy) {
				h.t.Errorf("down with %v, want %v", ev.Err, errWhy)
			}
			return
		}
	}
}

// What must not be lost is taken after offers no longer are, and all of it arrives.
func offers(h *harness) {
	r, rp, d, _ := h.pair()
	offered := h.until(r.Offer, rp)
	if offered < SuiteQueue/wire.OfferShare {
		h.t.Errorf("%d offers taken, want at least %d", offered, SuiteQueue/wire.OfferShare)
	}
	sent := h.fill(r, rp)
	if most := SuiteQueue - SuiteQueue/wire.OfferShare; sent < most {
		h.t.Errorf("then %d messages taken, want at least %d", sent, most)
	}
	if err := r.Offer(rp, nil); !errors.Is(err, wire.ErrQueueFull) {
		h.t.Errorf("offer to a full queue: %v, want ErrQueueFull", err)
	}
	for range offered + sent {
		h.next(d, wire.PeerMessage)
	}
	if err := r.Offer(rp+1, nil); !errors.Is(err, wire.ErrNoPeer) {
		h.t.Errorf("offer to nobody: %v, want ErrNoPeer", err)
	}
}

func stalledPeer(h *harness) {
	r, stalled, _, _ := h.pair()
	d := h.dial("healthy")
	healthy, dp := h.next(r, wire.PeerUp).Peer, h.next(d, wire.PeerUp).Peer
	h.fill(r, stalled)
	for i := range 2 * SuiteQueue {
		text := fmt.Sprint("message ", i)
		h.send(r, healthy, text)
		h.want(d, text)
		h.send(d, dp, text)
		h.want(r, text)
	}
	h.dial("newcomer")
	if up := h.next(r, wire.PeerUp); up.RoutingID != "newcomer" {
		h.t.Errorf("peer %q came up, want the newcomer", up.RoutingID)
	}
}

func frameOwned(h *harness) {
	r, p1, d1, _ := h.pair()
	d2 := h.dial("")
	p2 := h.next(r, wire.PeerUp).Peer
	h.next(d2, wire.PeerUp)
	frame := []byte("shared")
	for _, p := range []wire.Peer{p1, p2} {
		if err := r.Send(p, frame); err != nil {
			h.t.Fatal(err)
		}
	}
	clear(h.next(d1, wire.PeerMessage).Frame)
	h.want(d2, "shared")
	if string(frame) != "shared" {
		h.t.Errorf("the sender's frame became %q", frame)
	}
}

func closeRouter(h *harness) {
	r, p1, d1, _ := h.pair()
	d2 := h.dial("")
	h.next(d2, wire.PeerUp)
	p2 := h.next(r, wire.PeerUp).Peer
	for i := range SuiteQueue {
		h.send(r, p1, fmt.Sprint("last words ", i))
	}
	var wg sync.WaitGroup
	wg.Go(func() { // as nobody reads Events here, Close must not wait for that
		if err := r.Close(); err != nil {
			h.t.Errorf("close: %v", err)
		}
		if err := r.Close(); err != nil {
			h.t.Errorf("close again: %v", err)
		}
	})
	for i := range SuiteQueue {
		h.want(d1, fmt.Sprint("last words ", i))
	}
	h.next(d1, wire.PeerDown)
	h.next(d2, wire.PeerDown)
	wg.Wait()
	down := map[wire.Peer]bool{}
	for ev := range r.Events() {
		if ev.Kind != wire.PeerDown || ev.Err == nil {
			h.t.Errorf("after Close: %+v, want PeerDown and why", ev)
		}
		down[ev.Peer] = true
	}
	if !down[p1] || !down[p2] {
		h.t.Errorf("down: %v, want both %d and %d", down, p1, p2)
	}
	if err := r.Send(p1, nil); !errors.Is(err, wire.ErrNoPeer) {
		h.t.Errorf("send after Close: %v, want ErrNoPeer", err)
	}
}

func closeDealer(h *harness) {
	r, rp, d, dp := h.pair()
	for i := range SuiteQueue {
		h.send(d, dp, fmt.Sprint("result ", i))
	}
	var wg sync.WaitGroup
	wg.Go(func() { finish(h.t, d, d.Close) })
	for i := range SuiteQueue {
		h.want(r, fmt.Sprint("result ", i))
	}
	if down := h.next(r, wire.PeerDown); down.Peer != rp {
		h.t.Errorf("down of %d, want %d", down.Peer, rp)
	}
	wg.Wait()
	if err := d.Send(dp, nil); !errors.Is(err, wire.ErrNoPeer) {
		h.t.Errorf("send after Close: %v, want ErrNoPeer", err)
	}
}

// raceEnds shows nothing by itself: the race detector and the end of all
// goroutines do.
func raceEnds(h *harness) {
	r, rp, d, dp := h.pair()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				_ = r.Send(rp, []byte("x")) // the other may be gone at any time
				_ = d.Send(dp, []byte("x"))
			}
		})
	}
	wg.Go(func() { r.Drop(rp, errWhy) })
	wg.Go(func() { d.Drop(dp, errWhy) })
	wg.Go(func() { finish(h.t, d, d.Close) })
	wg.Go(func() { finish(h.t, r, r.Close) })
	wg.Wait()
	if err := r.Send(rp, nil); !errors.Is(err, wire.ErrNoPeer) {
		h.t.Errorf("send at the end: %v, want ErrNoPeer", err)
	}
}

func queued(h *harness) {
	r, rp, d, dp := h.pair()
	sent := h.fill(d, dp)
	if n, ok := d.Queued(dp); !ok || n <= 0 || n > int64(sent+2)<<20 { // one may count twice
		h.t.Errorf("%d bytes of %d MiB wait for a router that does not read: %v", n, sent, ok)
	}
	for range sent {
		h.next(r, wire.PeerMessage)
	}
	h.send(d, dp, "last") // behind them
	h.want(r, "last")
	h.send(r, rp, "answer") // with which it is known
	h.want(d, "answer")
	if n, ok := d.Queued(dp); !ok || n > int64(len("last")) { // of which the writer may not know yet
		h.t.Errorf("%d bytes wait when all have arrived: %v", n, ok)
	}
	finish(h.t, r, r.Close)
	h.next(d, wire.PeerDown)
	if n, ok := d.Queued(dp); ok {
		h.t.Errorf("%d bytes wait for a connection that has ended", n)
	}
}
