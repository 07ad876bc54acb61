package mainproc

import (
	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/wire/grading"
)

// call is a run_student that waits for the end of its student container. It
// belongs to the loop.
//
// Where the two share no kernel, what they send each other passes through here, and
// nothing of it is to pile up where memory is counted against one of them: not more
// than [grading.FlowWindow] is on its way. For output the student container sees to
// that, which is told what the script has read. For input we do, which it tells what
// its command has taken: the script's next block is asked for when there is room.
type call struct {
	peer      *mainsock.Peer
	container string           // "" until it is made
	begun     bool             // the container has its command
	left      bool             // the script does not wait any more, as the container has heard
	flow      bool             // the container takes part in that
	read      int              // bytes of output, not yet told
	fed       int              // bytes of input, not yet taken
	feeders   []*mainsock.Peer // who wait for room
}

// begin notes who waits for the student container of a socket.
func (l *loop) begin(socket string, p *mainsock.Peer) {
	l.end(socket) // if it is not the first, the agent will refuse it
	l.calls[socket] = &call{peer: p}
}

// end forgets a student container that has ended.
func (l *loop) end(socket string) {
	if c := l.calls[socket]; c != nil {
		c.next()
		delete(l.calls, socket)
	}
}

// reply answers the caller with that socket id, if there is one.
func (l *loop) reply(socket string, payload []byte) {
	if c := l.calls[socket]; c != nil {
		c.peer.Reply(payload, nil)
	}
}

// started notes the container of a call.
func (l *loop) started(socket, container string) {
	if c := l.calls[socket]; c != nil {
		c.container = container
		l.abandon(socket, c)
	}
}

// callOf is the call with that container, or nil.
func (l *loop) callOf(container string) *call {
	for _, c := range l.calls {
		if c.container == container {
			return c
		}
	}
	return nil
}

// hasCommand notes that a container was told what to do.
func (l *loop) hasCommand(container string) {
	if c := l.callOf(container); c != nil {
		c.begun = true
	}
}

// hungUp tells the containers of a peer that is gone.
func (l *loop) hungUp(p *mainsock.Peer) {
	for socket, c := range l.calls {
		if c.peer == p {
			l.abandon(socket, c)
		}
	}
}

// abandon tells a container whose script does not wait any more, as a pipe would: its
// command has no more input, and nobody reads its output. Without a command it would
// wait for one, so it gets one that does nothing.
func (l *loop) abandon(socket string, c *call) {
	if !l.relay || !c.peer.Gone() || c.container == "" || c.left {
		return
	}
	c.left = true
	if !c.begun {
		nothing := ""
		l.send(&grading.RunStudentInit{SocketID: socket, ContainerID: c.container, Command: &nothing, User: "worker"})
	}
	l.send(&grading.Stdin{ContainerID: c.container})
	if c.flow {
		l.send(&grading.Taken{ContainerID: c.container, Size: grading.NoneLeft})
	}
}

// output passes on n bytes of output, which are in payload.
func (l *loop) output(socket string, n int, payload []byte) {
	if c := l.calls[socket]; c != nil && !c.peer.Gone() {
		c.peer.Reply(payload, func() { l.wasRead(c, n) })
	}
}

// wasRead notes output that the script has read, or never will.
func (l *loop) wasRead(c *call, n int) {
	c.read += n
	if !c.flow || c.peer.Gone() || c.read < grading.FlowStep {
		return
	}
	l.send(&grading.Taken{ContainerID: c.container, Size: int64(c.read)})
	c.read = 0
}

// feed counts input that p sends, and reports whether p has to wait until some of
// it is taken.
func (l *loop) feed(m *grading.Stdin, p *mainsock.Peer) (wait bool) {
	c := l.callOf(m.ContainerID)
	if c == nil {
		return false
	}
	c.fed += len(m.Message)
	if wait = c.flow && c.fed >= grading.FlowWindow; wait {
		c.feeders = append(c.feeders, p)
	}
	return wait
}

// taken notes input that the command has taken.
func (l *loop) taken(m *grading.Taken) {
	c := l.calls[m.SocketID]
	if c == nil {
		return
	}
	if !c.flow && c.left { // it hears of flow control only now
		l.send(&grading.Taken{ContainerID: c.container, Size: grading.NoneLeft})
	}
	c.flow = true
	c.fed -= int(max(0, min(m.Size, int64(c.fed))))
	if c.fed < grading.FlowWindow {
		c.next()
	}
}

// next asks for more input.
func (c *call) next() {
	for _, p := range c.feeders {
		p.Reply(encode("dummy_message"), nil)
	}
	c.feeders = nil
}
