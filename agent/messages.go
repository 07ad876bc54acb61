package agent

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

const closeTimeout = time.Minute

// frameRoom is what an encoded message takes beside its long texts, mostly.
const frameRoom = 256

var (
	errSlowClose = errors.New("the executor did not finish cleaning up in time")
	errEndClosed = errors.New("agent: the socket was closed")
	errSilent    = errors.New("the backend has been silent for too long")
	errStalled   = errors.New("the backend does not read what it is sent")
	errExcess    = errors.New("longer than a message may be")
)

// onWire handles what happened on the connection to the backend.
func (s *session) onWire(ev wire.Event) {
	switch ev.Kind {
	case wire.PeerUp:
		s.peer, s.ours, s.heard, s.took = ev.Peer, false, time.Now(), 0
		s.log.Info("connected to the backend", "addr", ev.Addr)
		// All of this before the first Pong: after it a backend of ours waits no
		// more for jobs that it had left with us and that we did not speak of.
		s.hello()
		s.out.send(s)
		for job := range s.jobs { // a backend that waits for none of them says so
			s.announce(job)
		}
	case wire.PeerDown:
		if ev.Peer != s.peer {
			return
		}
		s.peer, s.ours = 0, false
		s.backlog = nil // if it is still wanted it comes again: nobody was told that it started
		s.out.broken(s.heard, func(job string) bool { return s.jobs[job] != nil })
		s.log.Warn("lost the backend", "err", ev.Err, "jobs", len(s.jobs))
	case wire.PeerAlive:
		if ev.Peer == s.peer {
			s.heard = time.Now()
			s.send(&wire.Pong{}) // the pings that we could answer wait behind the message
		}
	case wire.PeerExcess:
		if ev.Peer != s.peer {
			return
		}
		s.heard = time.Now()
		if err := s.refuse(ev.Excess); err != nil {
			s.log.Error("long message from the backend", "err", err)
			s.end.Drop(ev.Peer, err)
		}
	case wire.PeerMessage:
		if ev.Peer != s.peer {
			return
		}
		s.heard = time.Now()
		if err := s.onFrame(ev.Frame); err != nil {
			s.log.Error("bad message from the backend", "err", err)
			s.end.Drop(ev.Peer, err)
		}
	}
}

// onFrame handles one message. An error means that the peer does not speak our protocol.
func (s *session) onFrame(frame []byte) error {
	msg, err := s.dialect.Decode(frame)
	if errors.Is(err, wire.ErrLimit) {
		msg, _ = wire.Skim(bytes.NewReader(frame)) // the first error says more
		if s.refuse(msg) == nil {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	switch m := msg.(type) {
	case *wire.Ping:
		s.send(&wire.Pong{})
	case *wire.BackendNewJob:
		s.accept(m)
	case *wire.BackendKillJob:
		s.kill(m)
	case *wire.Unknown: // a backend of ours greets with it; Python ones never say so
		again := s.ours
		s.ours = true
		if again || s.closed || s.hung > 0 { // it forgot us, or has to be told of fewer slots
			s.hello()
		}
	default:
		return fmt.Errorf("unexpected %T", msg)
	}
	return nil
}

// refuse answers a message that goes over a limit, of which msg is what could be
// told, or nil. An error means that there is no answer to it.
func (s *session) refuse(msg wire.Message) error {
	m, ok := msg.(*wire.BackendNewJob)
	if !ok {
		return errExcess
	}
	s.log.Warn("job is too large", "job", m.JobID)
	if s.jobs[m.JobID] == nil {
		job := newJob(m)
		s.deliver(job, Failed(job, "crash", textLong))
	}
	return nil
}

// hello tells the backend who we are and what we can grade. It cannot know of slots
// that jobs which were answered for still have. A Python one is told of all, as it
// cannot be told of more when they end.
func (s *session) hello() {
	s.stale = false
	envs, slots := s.exec.Environments(), s.cfg.Slots
	switch {
	case s.closed:
		slots = 0
	case s.ours:
		slots -= s.hung
	}
	s.send(&wire.AgentHello{FriendlyName: s.cfg.FriendlyName, Slots: int64(slots), Environments: envs, SSHAllowed: allowsSSH(envs)})
	s.log.Info("said hello", "slots", slots, "environments", len(envs))
}

// allowsSSH reports whether tasks may let people in by SSH, which backends of
// 0.8.0 to 0.8.5 do not learn from the types of the environments.
func allowsSSH(envs []wire.Environment) bool {
	return slices.ContainsFunc(envs, func(e wire.Environment) bool { return strings.HasSuffix(e.Type, "-ssh") })
}

// reannounce says hello again after the environments changed. To a Python
// backend it does so only while no job runs: that takes a second hello for a
// restart and answers all of the agent's jobs with a crash (PROTOCOL.md 2.5).
func (s *session) reannounce() {
	if s.stale && s.peer != 0 && (s.ours || len(s.jobs)+len(s.backlog) == 0) {
		s.hello()
	}
}

// resize tells a backend of ours how many slots there are now.
func (s *session) resize() {
	if s.ours && !s.closed {
		s.hello()
	}
}

// checkSilence gives up a connection on which nothing was heard for too long.
func (s *session) checkSilence(now time.Time) {
	if s.peer != 0 && now.Sub(s.heard) > s.cfg.Silence {
		s.end.Drop(s.peer, errSilent)
	}
}

// send queues m on the present connection, if there is one.
func (s *session) send(m wire.Message) {
	if s.peer == 0 {
		return
	}
	frame, err := s.dialect.Append(make([]byte, 0, frameRoom), m)
	if err != nil {
		s.log.Error("cannot encode a message", "err", err)
		return
	}
	s.sendFrame(frame)
}

// sendFrame queues a message on the present connection and reports whether it
// was taken. A connection that cannot take it is stalled and given up.
func (s *session) sendFrame(frame []byte) bool {
	if s.peer == 0 {
		return false
	}
	err := s.end.Send(s.peer, frame)
	if errors.Is(err, wire.ErrQueueFull) {
		s.end.Drop(s.peer, errStalled)
	}
	if err == nil {
		s.took += int64(len(frame))
	}
	return err == nil
}

// sent is how far the present connection has come.
func (s *session) sent() int64 { return s.took }

// written is how far that was written: nothing of it, as far as anybody knows, when
// the connection has just ended.
func (s *session) written() int64 {
	queued, ok := s.end.Queued(s.peer)
	if !ok {
		return 0
	}
	return s.took - queued
}
