package wiretest

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// Why a connection in memory ended, where no better error exists. The other
// side of a clean end gets io.EOF, of a violent one syscall.ECONNRESET.
var (
	ErrClosed   = errors.New("this end was closed")
	ErrReplaced = errors.New("a newer connection came with the same identity")
	ErrSilent   = errors.New("nothing heard from the peer")
	ErrTooLarge = errors.New("more than the limit allows")
)

// Config tells a [Network] how its ends behave. Zero fields mean the defaults
// of wire/zmtp.
type Config struct {
	QueueMessages int           // frames that may wait in one direction of a link, default 4,096
	DealerQueue   int           // that may wait for a Router, default QueueMessages
	MaxMessage    int           // bytes of one message that is taken, default 256 MiB
	Silence       time.Duration // after so long a partitioned link is down, default 30 s
	Linger        time.Duration // Close may flush for so long, default 1 s
	RetryMin      time.Duration // a Dealer's first pause before it connects again, default 100 ms
	RetryMax      time.Duration // and its longest, default 5 s
}

// Network is a set of addresses. Any text is an address.
type Network struct {
	cfg Config

	mu      sync.Mutex
	routers map[string]*Router
}

// NewNetwork returns an empty network.
func NewNetwork(cfg Config) *Network {
	def := Config{
		QueueMessages: 4096, MaxMessage: 256 << 20, Silence: 30 * time.Second, Linger: time.Second,
		RetryMin: 100 * time.Millisecond, RetryMax: 5 * time.Second,
	}
	if cfg.QueueMessages > 0 {
		def.QueueMessages = cfg.QueueMessages
	}
	def.DealerQueue = def.QueueMessages
	if cfg.DealerQueue > 0 {
		def.DealerQueue = cfg.DealerQueue
	}
	if cfg.MaxMessage > 0 {
		def.MaxMessage = cfg.MaxMessage
	}
	for _, d := range []struct{ to, from *time.Duration }{
		{&def.Silence, &cfg.Silence}, {&def.Linger, &cfg.Linger},
		{&def.RetryMin, &cfg.RetryMin}, {&def.RetryMax, &cfg.RetryMax},
	} {
		if *d.from > 0 {
			*d.to = *d.from
		}
	}
	return &Network{cfg: def, routers: map[string]*Router{}}
}

// Listen returns a Router at addr. The error is syscall.EADDRINUSE, wrapped,
// while another one is there.
func (n *Network) Listen(addr string) (*Router, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.routers[addr] != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, syscall.EADDRINUSE)
	}
	r := &Router{end: newEnd(n.cfg), net: n, addr: addr, ids: map[string]*side{}}
	n.routers[addr] = r
	return r, nil
}

// Dial returns a Dealer that connects to addr, again and again, as soon as a
// Router is there. It announces identity as its routing id, or none if empty.
func (n *Network) Dial(addr, identity string) *Dealer {
	d := &Dealer{end: newEnd(n.cfg), net: n, addr: addr, identity: identity}
	d.work.Go(d.run)
	return d
}

func (n *Network) router(addr string) *Router {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.routers[addr]
}

func (n *Network) forget(r *Router) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.routers[r.addr] == r {
		delete(n.routers, r.addr)
	}
}
