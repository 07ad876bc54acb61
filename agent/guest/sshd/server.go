package sshd

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/ingot-grading/ingot/agent/guest/worker"
)

// FirstLogin is how long a person has to come.
const FirstLogin = 120 * time.Second

// Errors of [Server.Wait].
var (
	ErrNobody  = errors.New("no one connected")
	ErrTooLong = errors.New("timeout while a user was still connected")
)

const socketPath = "/run/ingot-ssh.sock"

// SessionCommand is the name under which this program runs [Session].
const SessionCommand = "_ssh_session"

// Server is a running SSH server.
type Server struct {
	Password string // of the user
	listener *net.UnixListener
	events   chan int // +1 for a login, -1 for a logout
	dead     chan error
	stop     context.CancelCauseFunc
}

var errStopped = errors.New("the session is over")

// Start lets user, "worker" or "root", in on port 22 with a new password. The
// image must have OpenSSH's server and chpasswd. The caller must Close it.
func Start(ctx context.Context, user string) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	password, err := prepare(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	_ = os.Remove(socketPath) // if one stays, it cannot be bound
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketPath, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	if err := os.Chmod(socketPath, 0o666); err != nil {
		l.Close()
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	s := &Server{Password: password, listener: l, events: make(chan int), dead: make(chan error, 1), stop: stop}
	sshd := exec.CommandContext(ctx, "/usr/sbin/sshd", arguments(user, self)...)
	sshd.Stderr = os.Stderr
	if err := sshd.Start(); err != nil {
		s.Close()
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	go func() { s.dead <- sshd.Wait() }()
	go s.accept(ctx)
	return s, nil
}

func arguments(user, self string) []string {
	root := "no"
	if user == "root" {
		root = "yes"
	}
	args := []string{"-D", "-e", "-p", "22"}
	for _, o := range []string{
		"PermitRootLogin=" + root, "PasswordAuthentication=yes", "StrictModes=no", "AllowUsers=" + user,
		"ForceCommand=" + self + " " + SessionCommand,
	} {
		args = append(args, "-o", o)
	}
	return args
}

// prepare makes what sshd needs: the user with a password, host keys, a place.
func prepare(ctx context.Context, user string) (password string, err error) {
	if err := addWorker("/etc"); err != nil {
		return "", err
	}
	var random [10]byte
	rand.Read(random[:])
	password = base64.StdEncoding.EncodeToString(random[:])
	for _, nologin := range []string{"/run/nologin", "/var/run/nologin"} {
		_ = os.Remove(nologin) // seldom there; one that stays is told to who logs in
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		return "", err
	}
	set := exec.CommandContext(ctx, "chpasswd")
	set.Stdin = strings.NewReader(user + ":" + password + "\n")
	if out, err := set.CombinedOutput(); err != nil {
		return "", fmt.Errorf("chpasswd: %w: %s", err, out)
	}
	if out, err := exec.CommandContext(ctx, "ssh-keygen", "-A").CombinedOutput(); err != nil {
		return "", fmt.Errorf("ssh-keygen: %w: %s", err, out)
	}
	return password, nil
}

// addWorker adds the user and group worker to an /etc that does not have them.
func addWorker(etc string) error {
	for _, f := range []struct{ name, line string }{
		{"passwd", fmt.Sprintf("worker:x:%d:%d::%s:/bin/sh\n", worker.ID, worker.ID, worker.Home)},
		{"group", fmt.Sprintf("worker:x:%d:\n", worker.ID)},
		{"shadow", "worker:*:19000:0:99999:7:::\n"},
	} {
		path := etc + "/" + f.name
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if strings.HasPrefix("\n"+string(b), "\nworker:") || strings.Contains(string(b), "\nworker:") {
			continue
		}
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, f.line)
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	return nil
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
		c, err := s.listener.AcceptUnix()
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
	first := time.After(FirstLogin)
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
		case err := <-s.dead:
			return fmt.Errorf("sshd ended: %w", errors.Join(errStopped, err))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Close ends the server. Sessions end with the container.
func (s *Server) Close() {
	s.stop(errStopped)
	s.listener.Close()
}
