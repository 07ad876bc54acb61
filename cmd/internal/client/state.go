package client

import (
	"errors"
	"fmt"

	"github.com/ingot-grading/ingot/wire"
)

// onWire handles what happened on the connection.
func (s *state) onWire(ev wire.Event) {
	switch ev.Kind {
	case wire.PeerUp:
		s.peer = ev.Peer
		s.drop(s.send(&wire.ClientHello{Name: "me"}))
	case wire.PeerDown:
		if ev.Peer == s.peer {
			s.peer, s.ready = 0, false
			s.lose(errors.Join(ErrLost, ev.Err))
		}
	case wire.PeerMessage:
		if ev.Peer == s.peer {
			s.drop(s.onFrame(ev.Frame))
		}
	}
}

// drop closes a connection on which something went wrong.
func (s *state) drop(err error) {
	if err != nil {
		s.end.Drop(s.peer, err)
	}
}

func (s *state) onFrame(frame []byte) error {
	msg, err := s.dialect.Decode(frame)
	if err != nil {
		return fmt.Errorf("client: decode: %w", err)
	}
	switch m := msg.(type) {
	case *wire.Pong:
	case *wire.BackendUpdateEnvironments:
		s.envs, s.ready = m.Available, true
		for _, w := range s.waiting {
			w <- m.Available
		}
		s.waiting = nil
	case *wire.BackendGetQueue:
		if len(s.queue) > 0 {
			s.queue[0] <- m
			s.queue = s.queue[1:]
		}
	case *wire.BackendJobStarted:
		s.tell(m.JobID, Update{Started: true})
	case *wire.BackendJobSSHDebug:
		s.tell(m.JobID, Update{SSH: &m.SSH})
	case *wire.BackendJobDone:
		s.tell(m.JobID, Update{Done: m})
	case *wire.Unknown: // the backend restarted and knows none of our jobs
		s.lose(ErrLost)
		return s.send(&wire.ClientHello{Name: "me"})
	default:
		return fmt.Errorf("client: unexpected %T", msg)
	}
	return nil
}

// tell passes news on to whoever waits for the job. A backend that repeats
// itself beyond the channel's room is not worth blocking for.
func (s *state) tell(job string, u Update) {
	updates := s.jobs[job]
	if updates == nil {
		return
	}
	last := u.Done != nil || u.Err != nil
	if last || len(updates) < cap(updates)-1 {
		updates <- u
	}
	if last {
		close(updates)
		delete(s.jobs, job)
	}
}

// lose ends every wait with err.
func (s *state) lose(err error) {
	for job := range s.jobs {
		s.tell(job, Update{Err: err})
	}
	for _, q := range s.queue {
		q <- nil
	}
	s.queue = nil
}

func (s *state) send(m wire.Message) error {
	if s.peer == 0 {
		return ErrLost
	}
	frame, err := s.dialect.Append(nil, m)
	if err != nil {
		return fmt.Errorf("client: encode: %w", err)
	}
	if err := s.end.Send(s.peer, frame); err != nil {
		return fmt.Errorf("client: send: %w", err)
	}
	return nil
}
