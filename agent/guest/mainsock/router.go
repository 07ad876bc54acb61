package mainsock

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxPeers  = 256
	handshake = 10 * time.Second // for a peer to say hello
	maxKept   = 64 << 20         // bytes of replies that a peer has not asked for yet
	maxOut    = 64               // replies that it asked for and does not read
)

// Request is a message of a peer.
type Request struct {
	Peer    *Peer
	Payload []byte // the receiver's
}

// Router is the listening end. Whoever owns it reads Requests until Close, and
// is the only one to call the methods of its peers.
type Router struct {
	requests chan Request
	listener *net.UnixListener
	stop     chan struct{}
	running  sync.WaitGroup
	uids     []uint32
	log      *slog.Logger
}

// Listen binds the socket file path, replacing one that is there, and accepts
// connections of root, of this process' user and of uid.
func Listen(path string, uid int, log *slog.Logger) (*Router, error) {
	_ = os.Remove(path) // if one stays, it cannot be bound
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("bind the main socket: %w", err)
	}
	r := &Router{
		requests: make(chan Request),
		listener: l,
		stop:     make(chan struct{}),
		uids:     []uint32{0, uint32(os.Geteuid()), uint32(uid)},
		log:      log,
	}
	r.running.Go(r.accept)
	return r, nil
}

// Requests is the one channel of requests, never closed.
func (r *Router) Requests() <-chan Request { return r.requests }

// Close ends all connections and waits until nothing of them runs. It removes
// the socket file.
func (r *Router) Close() {
	close(r.stop)
	r.listener.Close()
	r.running.Wait()
}

func (r *Router) accept() {
	slots := make(chan struct{}, maxPeers)
	for {
		select {
		case slots <- struct{}{}:
		case <-r.stop:
			return
		}
		c, err := r.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			<-slots
			r.log.Warn("connection to the main socket not accepted", "err", err)
			continue
		}
		r.running.Go(func() {
			defer func() { <-slots }()
			if err := r.serve(c); err != nil {
				r.log.Debug("connection to the main socket ended", "err", err)
			}
		})
	}
}

// serve reads the messages of one peer.
func (r *Router) serve(c *net.UnixConn) error {
	defer c.Close()
	gone := make(chan struct{})
	defer close(gone)
	r.running.Go(func() {
		select {
		case <-r.stop: // ends the reads and writes
			c.Close()
		case <-gone:
		}
	})
	if err := r.check(c); err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(handshake)); err != nil {
		return err
	}
	in := bufio.NewReader(c)
	if err := greet(in, c, "ROUTER"); err != nil {
		return err
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return err
	}
	p := &Peer{conn: c, out: make(chan []byte, maxOut)}
	r.running.Go(func() { p.write(gone) })
	for {
		payload, err := readMessage(in)
		if err != nil {
			return err
		}
		select {
		case r.requests <- Request{p, payload}:
		case <-r.stop:
			return net.ErrClosed
		}
	}
}

// check refuses peers that are neither root nor the worker.
func (r *Router) check(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || credErr != nil {
		return errors.Join(err, credErr)
	}
	if !slices.Contains(r.uids, cred.Uid) {
		return fmt.Errorf("%w: uid %d", errProtocol, cred.Uid)
	}
	return nil
}

// Peer is one connection. It belongs to the owner of the router.
type Peer struct {
	conn   *net.UnixConn
	owed   int      // requests that have had no reply
	kept   [][]byte // replies that were not asked for yet
	bytes  int      // of kept
	broken bool
	out    chan []byte
}

// Asked notes that the peer made a request and sends it a reply that was kept
// for it. It must be called once for each request.
func (p *Peer) Asked() {
	p.owed++
	p.flush()
}

// Reply sends a reply as soon as the peer can take it. A peer that is gone, or
// leaves too much waiting, is not served any more.
func (p *Peer) Reply(payload []byte) {
	p.kept, p.bytes = append(p.kept, payload), p.bytes+len(payload)
	p.flush()
	if p.bytes > maxKept {
		p.drop()
	}
}

func (p *Peer) flush() {
	for p.owed > 0 && len(p.kept) > 0 && !p.broken {
		next := p.kept[0]
		p.kept, p.bytes, p.owed = p.kept[1:], p.bytes-len(next), p.owed-1
		select {
		case p.out <- next:
		default: // it asks but does not read
			p.drop()
		}
	}
}

func (p *Peer) drop() {
	p.broken, p.kept, p.bytes = true, nil, 0
	p.conn.Close()
}

// write sends replies until the connection ends.
func (p *Peer) write(gone <-chan struct{}) {
	for {
		select {
		case b := <-p.out:
			if writeMessage(p.conn, b) != nil {
				p.conn.Close() // ends its reader too
				return
			}
		case <-gone:
			return
		}
	}
}
