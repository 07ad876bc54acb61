package network

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// pool lends external ports. A port that comes back is the last to be lent
// again: who was told of it may still try it.
type pool struct {
	mu   sync.Mutex
	free []uint16
}

func newPool(r Range) *pool {
	p := &pool{}
	for n := int(r.First); n <= int(r.Last); n++ {
		p.free = append(p.free, uint16(n))
	}
	return p
}

// lent is a port on loan.
type lent struct {
	port   uint16
	socket int
}

// take lends n ports, or none and [ErrNoPorts]. Ports that others on this machine
// use are passed over.
func (p *pool) take(n int) ([]lent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var got []lent
	for range len(p.free) {
		if len(got) == n {
			break
		}
		port := p.free[0]
		p.free = p.free[1:]
		socket, err := hold(port)
		if errors.Is(err, unix.EADDRINUSE) {
			p.free = append(p.free, port)
			continue
		}
		if err != nil {
			p.free = append(p.free, port)
			return nil, errors.Join(fmt.Errorf("hold port %d: %w", port, err), p.put(got))
		}
		got = append(got, lent{port, socket})
	}
	if len(got) < n {
		return nil, errors.Join(fmt.Errorf("%w: %d are needed", ErrNoPorts, n), p.put(got))
	}
	return got, nil
}

// giveBack ends loans.
func (p *pool) giveBack(ports []lent) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.put(ports)
}

func (p *pool) put(ports []lent) error {
	var err error
	for _, l := range ports {
		if e := unix.Close(l.socket); e != nil {
			err = errors.Join(err, fmt.Errorf("let go of port %d: %w", l.port, e))
		}
		p.free = append(p.free, l.port)
	}
	return err
}

// hold keeps a port from other programs of this machine, other agents among
// them, with a socket that is bound and never listens: what arrives for the port
// is forwarded before it would get there.
func hold(port uint16) (int, error) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := unix.Bind(s, &unix.SockaddrInet4{Port: int(port)}); err != nil {
		return 0, errors.Join(err, unix.Close(s))
	}
	return s, nil
}
