package mainproc

import (
	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/wire/frame"
)

// maxWaiting is how many bytes may wait for the agent before no script is heard
// any more. Scripts that wait for their replies do not come to that.
const maxWaiting = 64 << 20

// outbox holds the frames for the agent. It belongs to the loop. Standard output
// has a goroutine of its own: an agent that passes on what a student container
// does not read takes nothing, and what that container writes meanwhile has to be
// read all the same.
type outbox struct {
	write   chan []byte // the first of waiting
	written chan error  // to be followed by pop
	waiting []outgoing
	size    int // bytes of those
}

// outgoing is a frame for the agent.
type outgoing struct {
	frame []byte
	asked *mainsock.Peer // gets a reply once it is written; nil: nobody does
}

func newOutbox(out *frame.Writer) *outbox {
	o := &outbox{write: make(chan []byte), written: make(chan error)}
	go func() {
		for f := range o.write {
			o.written <- out.Write(f)
		}
	}()
	return o
}

// close ends the goroutine, once nothing waits.
func (o *outbox) close() { close(o.write) }

func (o *outbox) add(f []byte, asked *mainsock.Peer) {
	o.waiting, o.size = append(o.waiting, outgoing{f, asked}), o.size+len(f)
	if len(o.waiting) == 1 {
		o.write <- f
	}
}

// pop takes out the first frame, which was written, and goes on with the next.
func (o *outbox) pop() {
	first := o.waiting[0]
	o.waiting, o.size = o.waiting[1:], o.size-len(first.frame)
	if len(o.waiting) > 0 {
		o.write <- o.waiting[0].frame
	}
	if first.asked != nil {
		first.asked.Reply(encode("dummy_message"), nil) // which may add more
	}
}
