package student

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/wire/grading"
	"github.com/ingot-grading/ingot/wire/student"
)

// direct hands the command to the student container itself.
func (a *asker) direct(ctx context.Context, l *net.UnixListener, answers <-chan answer) (int, error) {
	if err := a.rearm(); err != nil {
		return Failed, err
	}
	handed, offered := make(chan handing, 1), make(chan error, 1)
	go func() { handed <- a.hand(ctx, l) }()
	var command *student.Caller
	var early []syscall.Signal
	for {
		select {
		case h := <-handed:
			if h.err != nil {
				a.trouble = h.err // the container is dead or dying: its end is reported
				continue
			}
			defer h.conn.Close()
			command = h.caller
			for _, s := range early {
				a.forward(command, s)
			}
			if a.req.SSH {
				go func() { offered <- a.offerLogin(ctx, command) }()
			}
		case err := <-offered:
			a.trouble = errors.Join(a.trouble, err)
		case s := <-a.signals:
			if command == nil {
				early = append(early, s.(syscall.Signal))
			} else {
				a.forward(command, s.(syscall.Signal))
			}
		case last := <-answers:
			return a.end(last)
		case <-ctx.Done():
			return Failed, context.Cause(ctx)
		}
	}
}

type handing struct {
	conn   *net.UnixConn
	caller *student.Caller
	err    error
}

// hand waits for the student container and hands it the command.
func (a *asker) hand(ctx context.Context, l *net.UnixListener) handing {
	c, err := l.AcceptUnix()
	if err != nil {
		return handing{err: fmt.Errorf("wait for the student container: %w", err)}
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	caller, err := student.Hand(c, a.files, student.Command{
		ContainerID: a.container, Command: &a.req.Command, Teardown: &a.req.Teardown,
		WorkingDir: a.req.Dir, SSH: a.req.SSH, User: a.user(),
	})
	if !stop() || err != nil {
		c.Close()
		return handing{err: errors.Join(err, context.Cause(ctx))}
	}
	return handing{conn: c, caller: caller}
}

// forward sends a signal; a command that has just ended does not get it.
func (a *asker) forward(c *student.Caller, s syscall.Signal) {
	if err := c.Signal(s); err != nil && !errors.Is(err, syscall.EPIPE) {
		a.trouble = errors.Join(a.trouble, err)
	}
}

// offerLogin passes the way into the student container on to the agent. If it
// cannot, nobody will come, which is what the exit code then says.
func (a *asker) offerLogin(ctx context.Context, c *student.Caller) error {
	login, err := c.Login()
	if err != nil {
		return err
	}
	m, err := grading.Append(nil, &grading.SSHStudent{User: login.User, Key: login.Password, ContainerID: a.container})
	if err != nil {
		return err
	}
	return askOnce(ctx, a.dir, m)
}

// askOnce makes one request on a connection of its own and waits for its answer.
func askOnce(ctx context.Context, dir string, m []byte) error {
	q, err := mainsock.Dial(ctx, filepath.Join(dir, "main.sock"))
	if err != nil {
		return err
	}
	defer q.Close()
	if err := q.Ask(m); err != nil {
		return err
	}
	if _, err := q.Next(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
