package wiretest

import (
	"encoding/binary"
	"sync"
	"syscall"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Router is a [wire.Router] in memory.
type Router struct {
	*end
	net  *Network
	addr string

	ids    map[string]*side // by routing id; guarded by end.mu
	nextID uint32           // likewise
}

// Close ends all connections after what is queued was taken, or after
// Config.Linger. The address is free from now on. Events is closed after the
// last PeerDown.
func (r *Router) Close() error {
	r.net.forget(r)
	r.shut(r.cfg.Linger)
	return nil
}

// Kill ends as a process that was killed does: what is queued is lost, the
// peers see a reset.
func (r *Router) Kill() {
	r.net.forget(r)
	r.shut(0)
}

// connect makes a connection for a Dealer and returns the Dealer's side, nil if
// this Router is closed.
func (r *Router) connect(identity string) *side {
	mine, theirs := newLink(r.cfg.QueueMessages, r.cfg.DealerQueue)
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.ids[identity]
	if identity == "" {
		r.nextID++
		identity = string(binary.BigEndian.AppendUint32([]byte{0}, r.nextID))
	}
	mine.id, mine.addr = identity, "mem:"+r.addr
	theirs.addr = mine.addr
	if !r.add(mine) {
		return nil
	}
	r.ids[identity] = mine
	r.work.Go(func() {
		if old != nil {
			old.end(ErrReplaced, syscall.ECONNRESET)
			<-old.gone
		}
		r.serve(mine)
		r.leave(mine)
	})
	return theirs
}

func (r *Router) leave(s *side) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids[s.id] == s {
		delete(r.ids, s.id)
	}
}

// Dealer is a [wire.Dealer] in memory whose link can be broken on command.
type Dealer struct {
	*end
	net      *Network
	addr     string
	identity string

	link        sync.Mutex // guards the fields below
	now         *side      // the connection, or the last one
	stalled     bool
	partitioned bool
	silence     *time.Timer
}

// Close is as [Router.Close]; no other connection is made.
func (d *Dealer) Close() error {
	d.shut(d.cfg.Linger)
	return nil
}

// Kill is as [Router.Kill].
func (d *Dealer) Kill() { d.shut(0) }

// Queued is as [wire.Dealer] says. A frame counts as written when the other side
// takes it.
func (d *Dealer) Queued(p wire.Peer) (bytes int64, ok bool) {
	s := d.side(p)
	if s == nil {
		return 0, false
	}
	return s.queued(), true
}

// Cut resets the connection, if there is one: both sides get a PeerDown, what is
// under way is lost. The Dealer connects again after its pause.
func (d *Dealer) Cut() {
	d.link.Lock()
	defer d.link.Unlock()
	if d.now != nil {
		d.now.end(syscall.ECONNRESET, syscall.ECONNRESET)
	}
}

// Alive hands up a [wire.PeerAlive] of the connection, as if a message took long
// to come. It returns when the owner has taken it.
func (d *Dealer) Alive() {
	d.link.Lock()
	s := d.now
	d.link.Unlock()
	if s != nil {
		d.hand(s, wire.Event{Kind: wire.PeerAlive, Peer: s.peer})
	}
}

// Stall stops (true) or restarts (false) what moves on the link, in both
// directions, for this connection and later ones. Both sides stay up and their
// queues fill, as with a peer that answers heartbeats but does not read.
func (d *Dealer) Stall(on bool) {
	d.link.Lock()
	defer d.link.Unlock()
	d.stalled = on
	d.apply()
}

// Partition cuts (true) or mends (false) the network between the two ends.
// Nothing moves, no connection can be made, and what one side does, as to end the
// connection, does not reach the other. A partition shorter than Config.Silence
// only delays; after that both sides get a PeerDown.
func (d *Dealer) Partition(on bool) {
	d.link.Lock()
	defer d.link.Unlock()
	if on == d.partitioned {
		return
	}
	d.partitioned = on
	if d.silence != nil {
		d.silence.Stop()
		d.silence = nil
	}
	if s := d.now; s != nil {
		s.tear(on)
		if on {
			d.silence = time.AfterFunc(d.cfg.Silence, s.silent)
		}
	}
	d.apply()
}

// apply brings the link in line with the fields. The caller holds d.link.
func (d *Dealer) apply() {
	if d.now != nil {
		d.now.link.stall(d.stalled || d.partitioned)
	}
}

func (d *Dealer) run() {
	pause := d.cfg.RetryMin
	for d.ctx.Err() == nil {
		if s := d.connect(); s != nil {
			if d.serve(s) > 0 {
				pause = d.cfg.RetryMin
			}
		}
		select {
		case <-time.After(pause):
		case <-d.ctx.Done():
		}
		pause = min(2*pause, d.cfg.RetryMax)
	}
}

// connect returns this end's side of a new connection, nil if none can be made.
func (d *Dealer) connect() *side {
	d.link.Lock()
	defer d.link.Unlock()
	r := d.net.router(d.addr)
	if r == nil || d.partitioned {
		return nil
	}
	s := r.connect(d.identity)
	if s == nil {
		return nil
	}
	d.mu.Lock()
	ok := d.add(s)
	d.mu.Unlock()
	if !ok {
		s.end(ErrClosed, syscall.ECONNRESET)
		return nil
	}
	d.now = s
	d.apply()
	return s
}

var (
	_ wire.Router = (*Router)(nil)
	_ wire.Dealer = (*Dealer)(nil)
)
