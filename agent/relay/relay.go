package relay

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ingot-grading/ingot/wire/frame"
)

// ErrEnded refuses a frame for a container whose streams have ended.
var ErrEnded = errors.New("relay: the container's streams have ended")

// queue is how many frames may wait for a container that is busy. More make
// Send wait in turn.
const queue = 16

// Relay is the pair of pumps of one container.
type Relay struct {
	out  chan []byte
	quit chan struct{} // closed when the reader ended: nothing more to write for
	err  error         // of the reader, set before quit is closed
	idle chan struct{} // closed when the writer ended too
}

// Start reads frames of at most limit bytes from stdout and calls on for each,
// in order, in one goroutine. The frame is valid until on returns; while on
// does not return, the container cannot write. An error of on ends the relay.
func Start(stdin io.WriteCloser, stdout io.Reader, limit int, on func(frame []byte) error) *Relay {
	r := &Relay{out: make(chan []byte, queue), quit: make(chan struct{}), idle: make(chan struct{})}
	go r.read(stdout, limit, on)
	go r.write(stdin)
	return r
}

// Send queues a frame for the container, waiting while the queue is full until
// ctx ends. The frame must not change afterwards.
func (r *Relay) Send(ctx context.Context, frame []byte) error {
	select {
	case r.out <- frame:
		return nil
	case <-r.quit:
		return ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Wait returns when the container's output has been read to its end and its
// input is closed: nil at a clean end, else what was wrong with the output. If
// ctx ends first its cause is returned, and frames may still arrive.
func (r *Relay) Wait(ctx context.Context) error {
	select {
	case <-r.idle:
		return r.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *Relay) read(stdout io.Reader, limit int, on func([]byte) error) {
	defer close(r.quit)
	in := frame.NewReader(stdout, limit)
	for {
		f, err := in.Next()
		if err == io.EOF {
			return
		}
		if err == nil {
			err = on(f)
		}
		if err != nil {
			r.err = fmt.Errorf("relay: %w", err)
			_, _ = io.Copy(io.Discard, stdout) // a full pipe would keep the container from ending
			return
		}
	}
}

// write sends what is queued until the reader has ended. A container that no
// longer reads has ended or soon will, and the reader will see it.
func (r *Relay) write(stdin io.WriteCloser) {
	defer close(r.idle)
	defer stdin.Close()
	out := frame.NewWriter(stdin)
	for {
		select {
		case <-r.quit:
			return
		case f := <-r.out:
			if err := out.Write(f); err != nil {
				<-r.quit
				return
			}
		}
	}
}
