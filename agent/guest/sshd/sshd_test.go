package sshd

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWorkerIsAddedOnce(t *testing.T) {
	etc := t.TempDir()
	if err := os.WriteFile(filepath.Join(etc, "passwd"), []byte("root:x:0:0::/root:/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := addWorker(etc); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"passwd", "group", "shadow"} {
		b, err := os.ReadFile(filepath.Join(etc, name))
		if err != nil || strings.Count(string(b), "worker:") != 1 {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

// The last line of an image's file need not end.
func TestWorkerHasALineOfItsOwn(t *testing.T) {
	etc := t.TempDir()
	path := filepath.Join(etc, "passwd")
	if err := os.WriteFile(path, []byte("root:x:0:0::/root:/bin/sh"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := addWorker(etc); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(b), "root:x:0:0::/root:/bin/sh\nworker:") {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestOnlyTheUserMayLogIn(t *testing.T) {
	for user, root := range map[string]string{"worker": "no", "root": "yes"} {
		args := arguments(user, "/ingot-init")
		for _, want := range []string{"PermitRootLogin=" + root, "AllowUsers=" + user, "ForceCommand=/ingot-init " + SessionCommand} {
			if !slices.Contains(args, want) {
				t.Errorf("%s: %q lacks %s", user, args, want)
			}
		}
	}
}

// server is a server without an sshd: the test is who comes and leaves.
func server() *Server { return &Server{events: make(chan int)} }

func TestWaitEndsWithTheVisit(t *testing.T) {
	errEnd := errors.New("the test ends")
	for name, c := range map[string]struct {
		limit time.Duration
		visit func(s *Server, end context.CancelCauseFunc)
		want  error
		after time.Duration
	}{
		"nobody": {0, func(*Server, context.CancelCauseFunc) {}, ErrNobody, firstLogin},
		"one comes and leaves": {0, func(s *Server, _ context.CancelCauseFunc) {
			time.Sleep(time.Minute)
			s.events <- 1
			time.Sleep(time.Hour)
			s.events <- -1
		}, nil, time.Hour + time.Minute},
		"one comes before the other leaves": {0, func(s *Server, _ context.CancelCauseFunc) {
			s.events <- 1
			s.events <- 1
			s.events <- -1
			time.Sleep(time.Second)
			s.events <- -1
		}, nil, time.Second},
		"one stays": {time.Hour, func(s *Server, _ context.CancelCauseFunc) { s.events <- 1 }, ErrTooLong, time.Hour},
		"the job ends": {0, func(_ *Server, end context.CancelCauseFunc) {
			time.Sleep(time.Second)
			end(errEnd)
		}, errEnd, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancelCause(t.Context())
				defer end(nil)
				s, start := server(), time.Now()
				go c.visit(s, end)
				if err := s.Wait(ctx, c.limit); !errors.Is(err, c.want) || err != nil && c.want == nil {
					t.Errorf("got %v", err)
				}
				if took := time.Since(start); took != c.after {
					t.Errorf("after %v, want %v", took, c.after)
				}
			})
		})
	}
}

// A session is a connection, however it ends.
func TestSessionsAreConnections(t *testing.T) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	s := server()
	s.sessions = l
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	s.stop = stop
	go s.accept(ctx)
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if n := <-s.events; n != 1 {
		t.Errorf("a login is %d", n)
	}
	c.Close()
	if n := <-s.events; n != -1 {
		t.Errorf("a logout is %d", n)
	}
	s.Close()
}
