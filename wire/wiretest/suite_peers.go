package wiretest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ingot-grading/ingot/wire"
)

func eventsInOrder(h *harness) {
	r, d := h.listen(), h.dial("me")
	up := h.next(r, wire.PeerUp)
	if up.Peer == 0 || up.RoutingID != "me" || up.Addr == "" {
		h.t.Errorf("up = %+v, want a peer, its id and its address", up)
	}
	dp := h.next(d, wire.PeerUp).Peer
	h.send(d, dp, "one")
	h.send(d, dp, "two")
	if p := h.want(r, "one"); p != up.Peer {
		h.t.Errorf("message from peer %d, want %d", p, up.Peer)
	}
	h.want(r, "two")
	d.Drop(dp, nil)
	if down := h.next(r, wire.PeerDown); down.Peer != up.Peer || down.Err == nil {
		h.t.Errorf("down = %+v, want peer %d and why", down, up.Peer)
	}
	if down := h.next(d, wire.PeerDown); down.Peer != dp || down.Err == nil {
		h.t.Errorf("down = %+v, want peer %d and why", down, dp)
	}
}

func framesInOrder(h *harness) {
	r, rp, d, dp := h.pair()
	const rounds, burst = 20, SuiteQueue / 2
	for i := range rounds {
		for j := range burst {
			h.send(r, rp, fmt.Sprint("down ", i, j))
			h.send(d, dp, fmt.Sprint("up ", i, j))
		}
		for j := range burst {
			h.want(d, fmt.Sprint("down ", i, j))
			h.want(r, fmt.Sprint("up ", i, j))
		}
	}
}

func oddSizes(h *harness) {
	r, rp, d, dp := h.pair()
	for _, n := range []int{0, 1, 255, 256, 65_535, 65_536, 1<<20 - 1, 1<<20 + 1, 9 << 20} {
		text := strings.Repeat("\x00\xff~", n/3+1)[:n]
		h.send(r, rp, text)
		h.want(d, text)
		h.send(d, dp, text)
		h.want(r, text)
	}
}

// Each end answers a job over the limit, and what follows arrives.
func excess(h *harness) {
	r, rp, d, dp := h.pair()
	padding := append(wire.Raw{0xdb, 0, 0xa0, 0, 0}, make([]byte, SuiteMessage)...) // a text of so many bytes
	dialect := wire.NewDialect(wire.GH, wire.Limits{})
	job, err := dialect.Append(nil, &wire.ClientNewJob{JobID: "up", TaskProblems: padding})
	if err != nil {
		h.t.Fatal(err)
	}
	h.send(d, dp, string(job))
	h.send(d, dp, "after")
	if m, ok := h.next(r, wire.PeerExcess).Excess.(*wire.ClientNewJob); !ok || m.JobID != "up" {
		h.t.Errorf("got %+v", m)
	}
	h.want(r, "after")
	job, err = dialect.Append(nil, &wire.BackendNewJob{JobID: "down", TaskProblems: padding})
	if err != nil {
		h.t.Fatal(err)
	}
	h.send(r, rp, string(job))
	h.send(r, rp, "after")
	if m, ok := h.next(d, wire.PeerExcess).Excess.(*wire.BackendNewJob); !ok || m.JobID != "down" {
		h.t.Errorf("got %+v", m)
	}
	h.want(d, "after")
}

func nonsense(h *harness) {
	r, _, d, dp := h.pair()
	h.send(d, dp, strings.Repeat("x", SuiteMessage+1))
	if down := h.next(r, wire.PeerDown); down.Err == nil {
		h.t.Error("down without a cause")
	}
	h.next(d, wire.PeerDown)
}

func unknownPeer(h *harness) {
	r, rp, d, dp := h.pair()
	for _, p := range []wire.Peer{0, rp + dp + 1, 1 << 63} {
		if err := r.Send(p, nil); !errors.Is(err, wire.ErrNoPeer) {
			h.t.Errorf("router: send to %d: %v, want ErrNoPeer", p, err)
		}
		if err := d.Send(p, nil); !errors.Is(err, wire.ErrNoPeer) {
			h.t.Errorf("dealer: send to %d: %v, want ErrNoPeer", p, err)
		}
		r.Drop(p, nil) // ignored
		d.Drop(p, nil)
	}
	h.send(r, rp, "still here")
	h.want(d, "still here")
}

func peersNotReused(h *harness) {
	r, rp, d, dp := h.pair()
	seen := map[wire.Peer]bool{rp: true}
	for range 3 {
		r.Drop(rp, nil)
		h.next(d, wire.PeerDown)
		_, up := h.turnover(r)
		if err := r.Send(rp, nil); !errors.Is(err, wire.ErrNoPeer) {
			h.t.Errorf("router: send to a peer that is down: %v, want ErrNoPeer", err)
		}
		if err := d.Send(dp, nil); !errors.Is(err, wire.ErrNoPeer) {
			h.t.Errorf("dealer: send to a peer that is down: %v, want ErrNoPeer", err)
		}
		old := dp
		rp, dp = up.Peer, h.next(d, wire.PeerUp).Peer
		if seen[rp] || old == dp {
			h.t.Fatalf("peer %d, %d named a connection before", rp, dp)
		}
		seen[rp] = true
	}
	h.send(d, dp, "new")
	h.want(r, "new")
}

var errWhy = errors.New("the reason")

func dropCause(h *harness) {
	r, rp, d, _ := h.pair()
	r.Drop(rp, errWhy)
	h.next(d, wire.PeerDown)
	dp := h.next(d, wire.PeerUp).Peer
	if down, _ := h.turnover(r); !errors.Is(down.Err, errWhy) {
		h.t.Errorf("router: down with %v, want %v", down.Err, errWhy)
	}
	d.Drop(dp, errWhy)
	if down := h.next(d, wire.PeerDown); !errors.Is(down.Err, errWhy) {
		h.t.Errorf("dealer: down with %v, want %v", down.Err, errWhy)
	}
}

func madeUpIdentities(h *harness) {
	r := h.listen()
	seen := map[string]bool{}
	for range 5 {
		h.dial("")
		id := h.next(r, wire.PeerUp).RoutingID
		if len(id) != 5 || id[0] != 0 || seen[id] {
			h.t.Errorf("routing id %q, want five bytes, the first zero, never twice", id)
		}
		seen[id] = true
	}
}

func identityKept(h *harness) {
	r := h.listen()
	id := strings.Repeat("\xff\x00é", 60)
	d := h.dial(id)
	for range 2 {
		up := h.next(r, wire.PeerUp)
		if up.RoutingID != id {
			h.t.Errorf("routing id %q, want %q", up.RoutingID, id)
		}
		h.next(d, wire.PeerUp)
		r.Drop(up.Peer, nil)
		h.next(r, wire.PeerDown)
		h.next(d, wire.PeerDown)
	}
}

func handover(h *harness) {
	r, first := h.listen(), h.dial("twin")
	old := h.next(r, wire.PeerUp).Peer
	h.next(first, wire.PeerUp)
	second := h.dial("twin")
	h.next(first, wire.PeerDown)
	_ = first.Close() // before it comes back to take over in turn
	if down := h.next(r, wire.PeerDown); down.Peer != old || down.Err == nil {
		h.t.Errorf("down = %+v, want peer %d and why", down, old)
	}
	up := h.next(r, wire.PeerUp)
	h.send(second, h.next(second, wire.PeerUp).Peer, "mine")
	if p := h.want(r, "mine"); p != up.Peer {
		h.t.Errorf("message from %d, want %d", p, up.Peer)
	}
}
