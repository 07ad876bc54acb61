package zmtp

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/ingot-grading/ingot/wire"
)

var _ wire.Dealer = (*Dealer)(nil)

// Dealer is a DEALER socket that connects to one address, again and again. It
// never has more than one connection at a time.
type Dealer struct {
	*end
	addr    string
	dial    func(context.Context) (net.Conn, error)
	closing sync.Once
	dialed  uint64 // connections that came as far as their handshake; of run
}

// Dial begins to connect to addr, in one of the forms of the package comment,
// and returns at once. Names are resolved anew for each connection. Pauses
// between attempts grow from Config.RetryMin to Config.RetryMax, at random
// within their upper half, and start over after a connection that brought a
// message.
func Dial(addr string, cfg Config) (*Dealer, error) {
	cfg, err := cfg.normal()
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	a, err := parseAddress(addr, false)
	if err != nil {
		return nil, err
	}
	conf, err := cfg.clientTLS(a)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return newDealer(a.String(), cfg, func(ctx context.Context) (net.Conn, error) {
		return dial(ctx, a, conf)
	}), nil
}

// newDealer connects with dial. Cfg has its defaults filled in.
func newDealer(addr string, cfg Config, dial func(context.Context) (net.Conn, error)) *Dealer {
	d := &Dealer{end: newEnd(cfg), addr: addr, dial: dial}
	d.work.Go(d.run)
	return d
}

// dial makes a connection to a. Conf is nil for one without TLS.
func dial(ctx context.Context, a address, conf *tls.Config) (net.Conn, error) {
	network, host := "tcp", net.JoinHostPort(a.host, a.port)
	if a.scheme == "ipc" {
		network, host = "unix", a.host
	}
	var dialer net.Dialer
	nc, err := dialer.DialContext(ctx, network, host)
	if err != nil || conf == nil {
		return nc, err
	}
	return tls.Client(nc, conf), nil
}

// Close flushes what is queued for at most Config.Linger, closes the connection
// and makes no other. It does not wait for the reader of Events, which is closed
// after the last PeerDown. Messages that arrive from now on may be dropped.
func (d *Dealer) Close() error {
	d.closing.Do(func() {
		d.close(d.cfg.Linger)
		go func() {
			d.work.Wait()
			close(d.events)
		}()
	})
	return nil
}

func (d *Dealer) run() {
	pause := d.cfg.RetryMin
	level := slog.LevelWarn // for the first failure; the others are the same news
	for d.ctx.Err() == nil {
		c, err := d.connect()
		switch {
		case err == nil:
			level = slog.LevelWarn
			if d.serve(c) > 0 {
				pause = d.cfg.RetryMin
			}
		case d.ctx.Err() == nil:
			d.cfg.Log.Log(d.ctx, level, "connect failed", "addr", d.addr, "err", err)
			level = slog.LevelDebug
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		case <-d.ctx.Done():
		}
		pause = min(2*pause, d.cfg.RetryMax)
	}
}

// connect makes one connection. Reaching the peer and the handshake may each
// take Config.Handshake.
func (d *Dealer) connect() (*conn, error) {
	ctx, cancel := context.WithTimeoutCause(d.ctx, d.cfg.Handshake, ErrSilent)
	defer cancel()
	nc, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(d.ctx, func() { hardClose(nc) })
	defer stop()
	cfg := d.cfg
	if cfg.NumberConnections {
		d.dialed++
		cfg.Identity = fmt.Sprint(cfg.Identity, ".", d.dialed)
	}
	h, err := shake(d.ctx, nc, zmq4.Dealer, &cfg)
	if err != nil {
		hardClose(nc)
		return nil, err
	}
	return d.admit(nc, h)
}

// admit makes nc the connection. The routing id of a Dealer's peer is what that
// router announces, most often nothing.
func (d *Dealer) admit(nc net.Conn, h hello) (*conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.add(nc, h, d.addr)
	if err != nil {
		hardClose(nc)
	}
	return c, err
}

// String spells a as it is written in options.
func (a address) String() string {
	if a.scheme == "ipc" {
		return "ipc://" + a.host
	}
	return a.scheme + "://" + net.JoinHostPort(a.host, a.port)
}

// Queued is as [wire.Dealer] says.
func (d *Dealer) Queued(p wire.Peer) (bytes int64, ok bool) {
	d.mu.RLock()
	c := d.conns[p]
	d.mu.RUnlock()
	if c == nil {
		return 0, false
	}
	_, bytes = c.queue.size()
	bytes += unacknowledged(c.net)
	if c.ctx.Err() != nil { // of a closed socket nothing was told
		return 0, false
	}
	return bytes, true
}
