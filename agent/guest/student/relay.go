package student

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/grading"
)

// block is how much of a stream one message carries.
const block = 512000

// relay runs the command where no file can be passed: input, output and signals
// are messages (PROTOCOL.md 5.7).
func (a *asker) relay(ctx context.Context, answers <-chan answer) (int, error) {
	m, err := grading.Append(nil, &grading.RunStudentInit{
		SocketID: a.id, ContainerID: a.container, Command: &a.req.Command, Teardown: a.req.Teardown,
		WorkingDir: a.req.Dir, SSH: a.req.SSH, User: a.user(),
	})
	if err == nil {
		err = a.main.Ask(m)
	}
	if err != nil {
		return Failed, err
	}
	fed, written := make(chan error, 1), make(chan error, 1)
	var signals <-chan os.Signal
	begun := false
	for {
		select {
		case in := <-answers:
			if in.err != nil || in.kind == string(grading.KindRunStudentRetval) {
				return a.end(in)
			}
			if !begun {
				// The main process has the command. Input and signals go through
				// connections of their own and must not come before it.
				begun, signals = true, a.signals
				go func() { fed <- a.feed(ctx) }()
			}
			go func() { written <- a.output(in) }() // whoever reads it may be slow, and signals are not to wait
		case err := <-written:
			a.trouble = errors.Join(a.trouble, err)
			if err := a.rearm(); err != nil {
				return Failed, err
			}
		case s := <-signals:
			if err := a.relaySignal(ctx, s.(syscall.Signal)); err != nil {
				a.trouble = errors.Join(a.trouble, err)
			}
		case err := <-fed:
			a.trouble = errors.Join(a.trouble, err)
			fed = nil
		case <-ctx.Done():
			return Failed, context.Cause(ctx)
		}
	}
}

// output writes what the command printed.
func (a *asker) output(in answer) error {
	to := 1
	switch in.kind {
	case string(grading.KindStdout):
	case string(grading.KindStderr):
		to = 2
	default:
		return nil
	}
	v, _ := in.fields.Get("message")
	b, _ := v.(pyjson.Bytes)
	if len(b) == 0 || a.broken[to] { // of the end a pipe without readers must not hear
		return nil
	}
	if _, err := a.files[to].Write(b); err != nil {
		a.broken[to] = true // said once
		return fmt.Errorf("write the command's output: %w", err)
	}
	return nil
}

// feed sends standard input to the command; an empty message is its end.
func (a *asker) feed(ctx context.Context) error {
	q, err := mainsock.Dial(ctx, filepath.Join(a.dir, "main.sock"))
	if err != nil {
		return err
	}
	defer q.Close()
	defer context.AfterFunc(ctx, func() { q.Close() })()
	buf := make([]byte, block)
	for {
		n, readErr := a.files[0].Read(buf)
		if errors.Is(readErr, io.EOF) || errors.Is(readErr, os.ErrClosed) {
			readErr = nil
		}
		m, err := grading.Append(nil, &grading.Stdin{Message: buf[:n], ContainerID: a.container})
		if err != nil {
			return err
		}
		if err := q.Ask(m); err != nil {
			return err
		}
		if _, err := q.Next(); err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		if readErr != nil { // said now that the command knows of the end
			return fmt.Errorf("read standard input: %w", readErr)
		}
		return nil
	}
}

func (a *asker) relaySignal(ctx context.Context, s syscall.Signal) error {
	m, err := grading.Append(nil, &grading.StudentSignal{ContainerID: a.container, Signal: fmt.Appendf(nil, "%03d", s)})
	if err != nil {
		return err
	}
	return askOnce(ctx, a.dir, m)
}
