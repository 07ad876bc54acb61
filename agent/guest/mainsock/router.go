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

// Request is a message of a peer, or that it is gone.
type Request struct {
	Peer    *Peer
	Payload []byte // the receiver's
	Gone    bool   // nothing more comes from the peer; there is no payload
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

// Requests is the one channel of requests, never closed. Each is to be taken, with
// [Request.Take]; the last of a peer says that it is gone.
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
	known := false // to the owner
	for {
		payload, err := readMessage(in)
		if err != nil {
			c.Close()
			if known {
				r.pass(Request{Peer: p, Gone: true})
			}
			return err
		}
		if !r.pass(Request{Peer: p, Payload: payload}) {
			return net.ErrClosed
		}
		known = true
	}
}

// pass hands a request to the owner, unless the router is closed.
func (r *Router) pass(q Request) bool {
	select {
	case r.requests <- q:
		return true
	case <-r.stop:
		return false
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
