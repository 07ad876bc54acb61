package sshd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"
)

// firstLogin is how long a person has to come.
const firstLogin = 120 * time.Second

// Errors of [Server.Wait].
var (
	ErrNobody  = errors.New("no one connected")
	ErrTooLong = errors.New("timeout while a user was still connected")
)

// Where the server keeps what it needs.
const (
	runDir     = "/run/sshd" // sshd's own, which it wants to be root's
	hostKey    = runDir + "/ingot_host_key"
	socketPath = "/run/ingot-ssh.sock"
	program    = "/usr/sbin/sshd"
)

// port is where people connect.
const port = ":22"

// SessionCommand is the name under which this program runs [Session].
const SessionCommand = "_ssh_session"

// Server is a running SSH server.
type Server struct {
	Password string // of the user
	listener net.Listener
	sessions *net.UnixListener
	events   chan int // +1 for a login, -1 for a logout
	stop     context.CancelCauseFunc
}

var errStopped = errors.New("the session is over")

// Start lets user, "worker" or "root", in on port 22 with a new password. It is
// open when Start returns. The image must have OpenSSH's server and chpasswd. The
// caller must Close it.
func Start(ctx context.Context, user string) (*Server, error) {
	s, err := start(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, user string) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &Server{events: make(chan int)}
	if s.Password, err = prepare(ctx, user); err != nil {
		return nil, err
	}
	args := arguments(user, self)
	if out, err := exec.CommandContext(ctx, program, append([]string{"-t"}, args...)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	_ = os.Remove(socketPath) // if one stays, it cannot be bound
	if s.sessions, err = net.ListenUnix("unix", &net.UnixAddr{Name: socketPath, Net: "unix"}); err != nil {
		return nil, err
	}
	if err := os.Chmod(socketPath, 0o666); err != nil {
		s.sessions.Close()
		return nil, err
	}
	if s.listener, err = net.Listen("tcp", port); err != nil {
		s.sessions.Close()
		return nil, err
	}
	ctx, s.stop = context.WithCancelCause(ctx)
	go s.accept(ctx)
	go serve(ctx, s.listener, append([]string{"-i"}, args...))
	return s, nil
}

// accept turns connections of sessions into events.
func (s *Server) accept(ctx context.Context) {
	tell := func(n int) {
		select {
		case s.events <- n:
		case <-ctx.Done():
		}
	}
	for {
		c, err := s.sessions.AcceptUnix()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			tell(+1)
			_, _ = io.Copy(io.Discard, c) // until the session ends
			tell(-1)
		}()
	}
}

// Wait returns nil when someone came and all have left again, [ErrNobody] if
// none came in time, [ErrTooLong] if they stayed longer than limit; 0 is no limit.
func (s *Server) Wait(ctx context.Context, limit time.Duration) error {
	first := time.After(firstLogin)
	var last <-chan time.Time
	for inside := 0; ; {
		select {
		case n := <-s.events:
			if inside += n; inside == 0 {
				return nil
			}
			if first = nil; last == nil && limit > 0 {
				last = time.After(limit)
			}
		case <-first:
			return ErrNobody
		case <-last:
			return ErrTooLong
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Close ends the server, and the sessions that there are.
func (s *Server) Close() {
	s.stop(errStopped)
	s.listener.Close()
	s.sessions.Close()
}
