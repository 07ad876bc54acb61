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

// Where the server keeps what it needs.
const (
	runDir     = "/run/sshd" // sshd's own, which it wants to be root's
	hostKey    = runDir + "/ingot_host_key"
	socketPath = "/run/ingot-ssh.sock"
	program    = "/usr/sbin/sshd"
)

// port is where people connect.
const port = ":22"

// maxConnections is how many there may be at a time, logged in or not.
const maxConnections = 10

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

// serve runs sshd for each connection, until the listener is closed. So the port
// is open before anybody is told of it, which a server on its own cannot say.
func serve(ctx context.Context, l net.Listener, args []string) {
	places := make(chan struct{}, maxConnections)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case places <- struct{}{}:
		default:
			c.Close()
			continue
		}
		go func() {
			defer func() { <-places }()
			if err := converse(ctx, c, args); err != nil && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "sshd:", err)
			}
		}()
	}
}

// converse runs sshd on a connection until that ends.
func converse(ctx context.Context, c net.Conn, args []string) error {
	f, err := c.(*net.TCPConn).File()
	c.Close() // sshd has its own
	if err != nil {
		return err
	}
	defer f.Close()
	sshd := exec.CommandContext(ctx, program, args...)
	sshd.Stdin, sshd.Stdout, sshd.Stderr = f, f, os.Stderr
	err = sshd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		return nil // as after a wrong password
	}
	return err
}

func arguments(user, self string) []string {
	root := "no"
	if user == "root" {
		root = "yes"
	}
	args := []string{"-e", "-h", hostKey}
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
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return "", err
	}
	set := exec.CommandContext(ctx, "chpasswd")
	set.Stdin = strings.NewReader(user + ":" + password + "\n")
	if out, err := set.CombinedOutput(); err != nil {
		return "", fmt.Errorf("chpasswd: %w: %s", err, out)
	}
	// Of one kind only, as an RSA key takes seconds, and new, as everybody has what
	// is in an image.
	if err := os.RemoveAll(hostKey); err != nil {
		return "", err
	}
	key := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostKey)
	if out, err := key.CombinedOutput(); err != nil {
		return "", fmt.Errorf("ssh-keygen: %w: %s", err, out)
	}
	return password, nil
}

// addWorker adds the user and group worker to an /etc that does not have them.
func addWorker(etc string) error {
	for _, f := range []struct {
		name, line string
		mode       os.FileMode // if it has to be made
	}{
		{"passwd", fmt.Sprintf("worker:x:%d:%d::%s:/bin/sh\n", worker.ID, worker.ID, worker.Home), 0o644},
		{"group", fmt.Sprintf("worker:x:%d:\n", worker.ID), 0o644},
		{"shadow", "worker:*:19000:0:99999:7:::\n", 0o600},
	} {
		path := etc + "/" + f.name
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if strings.HasPrefix("\n"+string(b), "\nworker:") || strings.Contains(string(b), "\nworker:") {
			continue
		}
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, f.mode)
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
