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
	to      address
	tls     *tls.Config // nil: none
	closing sync.Once
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
	d := &Dealer{end: newEnd(cfg), to: a, tls: conf}
	d.work.Go(d.run)
	return d, nil
}

// Close flushes what is queued for at most Config.Linger, closes the connection
// and makes no other. It does not wait for the reader of Events, which is closed
// after the last PeerDown. Messages that arrive from now on are dropped.
func (d *Dealer) Close() error {
	d.closing.Do(func() {
		d.close()
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
			d.cfg.Log.Log(d.ctx, level, "connect failed", "addr", d.to.String(), "err", err)
			level = slog.LevelDebug
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		case <-d.ctx.Done():
		}
		pause = min(2*pause, d.cfg.RetryMax)
	}
}

// connect makes one connection, within Config.Handshake for each of its steps.
func (d *Dealer) connect() (*conn, error) {
	network, host := "tcp", net.JoinHostPort(d.to.host, d.to.port)
	if d.to.scheme == "ipc" {
		network, host = "unix", d.to.host
	}
	ctx, cancel := context.WithTimeoutCause(d.ctx, 2*d.cfg.Handshake, ErrSilent)
	defer cancel()
	dialer := net.Dialer{Timeout: d.cfg.Handshake}
	nc, err := dialer.DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	if d.tls != nil {
		nc = tls.Client(nc, d.tls)
	}
	stop := context.AfterFunc(ctx, func() { hardClose(nc) })
	h, err := shake(ctx, nc, zmq4.Dealer, &d.cfg)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
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
	c, err := d.add(nc, h, d.to.String())
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
