package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Machine is a running guest. Its methods may be called from any goroutine, and
// several commands may run at a time.
type Machine struct {
	id     string
	dir    string // run directory
	port   int
	client *ssh.Client
	proc   *process     // nil if attached to
	stop   func() error // does nothing the second time
}

// Port returns the loopback port that leads to the guest's sshd.
func (m *Machine) Port() int { return m.port }

// Stop ends the machine, the kept one too, at once and without a shutdown, and
// waits until it is gone. Further calls do nothing.
func (m *Machine) Stop() error { return m.stop() }

// Close lets go of the machine and leaves it running. Nothing else may be
// called afterwards but Stop.
func (m *Machine) Close() { m.client.Close() }

// Run runs a program in the guest as root, in /root, and returns its exit
// status; one that died of signal n has 128+n. The streams are copied while it
// runs; each may be nil. Run returns when the program has ended and its output
// is written, but does not wait for stdin, whose next read may be lost.
//
// If ctx ends the program is killed and the error is the cause of ctx. With any
// error the status is -1.
func (m *Machine) Run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, argv ...string) (int, error) {
	code, err := m.run(ctx, stdin, stdout, stderr, "exec "+quote(argv))
	if err != nil {
		return -1, fmt.Errorf("run %s: %w", argv[0], err)
	}
	return code, nil
}

// killGuest is how long the guest has to confirm that it killed a program
// before the connection is given up, with all that runs over it.
const killGuest = 30 * time.Second

func (m *Machine) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, line string) (int, error) {
	ended := make(chan struct{})
	defer close(ended)
	defer context.AfterFunc(ctx, func() { m.giveUp(ended) })()
	s, err := m.client.NewSession()
	if err != nil {
		return 0, orCause(ctx, err)
	}
	defer s.Close()
	s.Stdout, s.Stderr = stdout, stderr
	if stdin != nil {
		// With a field of the session, Wait would wait for the reader to end.
		w, err := s.StdinPipe()
		if err != nil {
			return 0, err
		}
		go func() {
			_, _ = io.Copy(w, stdin) // a program may end before its input
			_ = w.Close()
		}()
	}
	if err := s.Start(line); err != nil {
		return 0, orCause(ctx, err)
	}
	defer context.AfterFunc(ctx, func() {
		_ = s.Signal(ssh.SIGKILL)
		_ = s.Close()
	})()
	err = s.Wait()
	if exit, ok := errors.AsType[*ssh.ExitError](err); ok && ctx.Err() == nil {
		return exit.ExitStatus(), nil
	}
	if err != nil {
		return 0, orCause(ctx, err)
	}
	return 0, nil
}

// giveUp closes the connection unless ended is closed in time.
func (m *Machine) giveUp(ended <-chan struct{}) {
	late := time.NewTimer(killGuest)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
		_ = m.client.Close()
	}
}

// quote makes a line of which a shell makes argv again.
func quote(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}
