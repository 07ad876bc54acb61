package mainsock

import "net"

// Peer is one connection. It belongs to the owner of the router.
type Peer struct {
	conn   *net.UnixConn
	owed   int      // requests that have had no reply
	kept   []reply  // that were not asked for yet
	bytes  int      // of kept
	unread []func() // of replies that went out, until more is asked for
	gone   bool
	out    chan []byte
}

// reply is what a peer gets for one request.
type reply struct {
	payload []byte
	read    func() // nil: nobody wants to know
}

// Take notes a request of the peer and sends it a reply that was kept for it. It
// must be called once for each request, and reports whether it has a payload.
func (r Request) Take() bool {
	if r.Gone {
		r.Peer.drop()
		return false
	}
	r.Peer.asked()
	return true
}

// asked notes that the peer made a request: it has read the reply before.
func (p *Peer) asked() {
	p.owed++
	if len(p.unread) > 0 {
		read := p.unread[0]
		p.unread = p.unread[1:]
		read()
	}
	p.flush()
}

// Reply sends a reply as soon as the peer can take it. A peer that is gone, or
// leaves too much waiting, is not served any more. read, if not nil, is called
// once, by this method or by [Request.Take]: when the peer asks for more after
// that reply, or when it never will.
func (p *Peer) Reply(payload []byte, read func()) {
	if read == nil {
		read = func() {}
	}
	if p.gone {
		read()
		return
	}
	p.kept, p.bytes = append(p.kept, reply{payload, read}), p.bytes+len(payload)
	p.flush()
	if p.bytes > maxKept {
		p.drop()
	}
}

// Gone reports whether the peer gets no more replies.
func (p *Peer) Gone() bool { return p.gone }

func (p *Peer) flush() {
	for p.owed > 0 && len(p.kept) > 0 {
		next := p.kept[0]
		select {
		case p.out <- next.payload:
		default: // it asks but does not read
			p.drop()
			return
		}
		p.kept, p.bytes, p.owed = p.kept[1:], p.bytes-len(next.payload), p.owed-1
		p.unread = append(p.unread, next.read)
	}
}

// drop ends the service of the peer.
func (p *Peer) drop() {
	p.gone = true
	p.conn.Close()
	for _, read := range p.unread {
		read()
	}
	for _, r := range p.kept {
		r.read()
	}
	p.unread, p.kept, p.bytes = nil, nil, 0
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
