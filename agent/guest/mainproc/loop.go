package mainproc

import (
	"fmt"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/grading"
)

// refused is the exit code of a student container that cannot be had (PROTOCOL.md 5.8).
const refused = 254

// loop owns the state of the main process.
type loop struct {
	job      *job
	out      *outbox
	debug    bool
	relay    bool                    // student containers share no kernel with this one
	flow     bool                    // the agent has asked for flow control
	done     chan *pyjson.Object     // the result of the job; nil before the start
	requests <-chan mainsock.Request // of run_student and its like
	calls    map[string]*call        // by socket id
}

// run handles what comes until the result is out.
func (l *loop) run(incoming <-chan message) int {
	for {
		requests := l.requests
		if l.out.size > maxWaiting {
			requests = nil
		}
		select {
		case in, ok := <-incoming:
			if !ok {
				incoming = nil // the end of the stream only ends reading
				if l.done == nil {
					l.job.log.Error("no start frame came")
					return 1
				}
				continue
			}
			l.fromAgent(in)
		case err := <-l.out.written:
			l.sent(err)
		case r := <-requests:
			if !r.Take() {
				l.hungUp(r.Peer)
				continue
			}
			if err := l.fromScript(r); err != nil {
				l.job.log.Warn("request refused", "err", err)
			}
		case f := <-l.job.frames:
			l.out.add(f, nil)
		case result := <-l.done:
			return l.finish(result, incoming)
		}
	}
}

// finish sends the result, behind what waits. What the agent says is still read,
// lest it waits for us.
func (l *loop) finish(result *pyjson.Object, incoming <-chan message) int {
	f := new(pyjson.Object)
	f.Set("type", string(grading.KindResult))
	f.Set("result", result)
	l.out.add(pyjson.AppendMsgpack(nil, f), nil)
	var err error
	for len(l.out.waiting) > 0 {
		select {
		case in, ok := <-incoming:
			if !ok {
				incoming = nil
				continue
			}
			l.fromAgent(in)
		case err = <-l.out.written:
			l.sent(err)
		}
	}
	if err != nil {
		return 1
	}
	return 0
}

// sent is told that a frame was written, or why it was not.
func (l *loop) sent(err error) {
	if err != nil {
		l.job.log.Error("frame not sent", "err", err)
	}
	l.out.pop()
}

// fromAgent handles a frame of the agent. A bad one instead of the start gives
// a result that says so; later ones are only logged.
func (l *loop) fromAgent(in message) {
	err := in.err
	if err == nil {
		err = l.handle(in.frame)
	}
	if err == nil {
		return
	}
	l.job.log.Error("bad frame from the agent", "err", err)
	if l.done == nil {
		l.done = make(chan *pyjson.Object, 1)
		l.done <- broken(err)
	}
}

func (l *loop) handle(f []byte) error {
	h, err := grading.Peek(f)
	if err != nil {
		return err
	}
	switch h.Kind {
	case grading.KindStart:
		if l.done == nil {
			return l.start(f)
		}
		return nil
	case grading.KindRunStudentStarted, grading.KindRunStudentRetval, grading.KindStdout, grading.KindStderr, grading.KindTaken:
		m, err := grading.Decode(f)
		if err != nil {
			return err
		}
		l.ofStudent(m, f)
	}
	return nil
}

// ofStudent handles a message about a student container, or of one, which is f.
func (l *loop) ofStudent(m grading.Message, f []byte) {
	switch m := m.(type) {
	case *grading.RunStudentStarted:
		fields := []any{"container_id", m.ContainerID}
		if l.relay {
			fields = append(fields, "relay", true)
		}
		l.reply(m.SocketID, encode(grading.KindRunStudentStarted, fields...))
		l.started(m.SocketID, m.ContainerID)
	case *grading.Stdout:
		l.output(m.SocketID, len(m.Message), f)
	case *grading.Stderr:
		l.output(m.SocketID, len(m.Message), f)
	case *grading.Taken:
		l.taken(m)
	case *grading.RunStudentRetval:
		l.reply(m.SocketID, encode(grading.KindRunStudentRetval, "retval", pyjson.Int(fmt.Sprint(m.Retval))))
		l.end(m.SocketID)
	}
}

func (l *loop) start(f []byte) error {
	v, err := pyjson.FromMsgpack(f)
	if err != nil {
		return err
	}
	start := v.(*pyjson.Object) // Peek has seen a map
	shared, ok := start.Get("shared_kernel")
	l.relay = ok && !truthy(shared)
	if l.relay && l.flow {
		l.send(&grading.Taken{})
	}
	l.done = make(chan *pyjson.Object, 1)
	go func() { l.done <- l.job.run(start, l.debug) }()
	return nil
}

// fromScript handles a request of a program in this container (TOOLKIT.md 8.5).
// Any of them can be sent by any program of the worker: the agent decides.
func (l *loop) fromScript(r mainsock.Request) error {
	h, err := grading.Peek(r.Payload)
	if err != nil {
		return err
	}
	switch h.Kind {
	case grading.KindRunStudent, grading.KindSSHDebug, grading.KindSSHStudent,
		grading.KindRunStudentInit, grading.KindStdin, grading.KindStudentSignal:
	default: // dummy_message, which only asks for the next reply, and what nobody knows
		return nil
	}
	m, err := grading.Decode(r.Payload)
	var f []byte
	if err == nil {
		f, err = grading.Append(nil, m)
	}
	if err != nil {
		if h.Kind == grading.KindRunStudent { // who waits for an answer
			r.Peer.Reply(encode(grading.KindRunStudentRetval, "retval", pyjson.Int(fmt.Sprint(refused))), nil)
		}
		return err
	}
	var next *mainsock.Peer
	switch m := m.(type) {
	case *grading.RunStudent:
		l.begin(m.SocketID, r.Peer)
	case *grading.RunStudentInit:
		l.hasCommand(m.ContainerID)
		r.Peer.Reply(encode("dummy_message"), nil)
	case *grading.Stdin:
		if !l.feed(m, r.Peer) {
			next = r.Peer // sends one block after the other
		}
	case *grading.SSHDebug, *grading.SSHStudent:
		r.Peer.Reply(encode("ok"), nil)
	default:
		r.Peer.Reply(encode("dummy_message"), nil)
	}
	l.out.add(f, next)
	return nil
}

// send sends a message of our own making to the agent.
func (l *loop) send(m grading.Message) {
	f, err := grading.Append(nil, m)
	if err != nil {
		l.job.log.Error("message not made", "err", err)
		return
	}
	l.out.add(f, nil)
}

// encode makes a message of a kind with fields: key, value, key, value.
func encode(kind grading.Kind, fields ...any) []byte {
	o := new(pyjson.Object)
	o.Set("type", string(kind))
	for i := 0; i+1 < len(fields); i += 2 {
		o.Set(fields[i].(string), fields[i+1])
	}
	return pyjson.AppendMsgpack(nil, o)
}
