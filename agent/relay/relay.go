package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ingot-grading/ingot/wire/frame"
)

// ErrEnded refuses a frame for a container that takes no more.
var ErrEnded = errors.New("relay: the container takes no more frames")

// Relay is the pair of pumps of one container.
type Relay struct {
	out   *outbox
	err   error         // of the reader, set before heard is closed
	heard chan struct{} // closed when the output was read to its end
}

// Start reads frames of at most limit bytes from stdout and calls on for each,
// in order, in one goroutine. The frame is valid until on returns; while on
// does not return, the container cannot write for long. An error of on ends the relay.
func Start(stdin io.WriteCloser, stdout io.Reader, limit int, on func(frame []byte) error) *Relay {
	r := &Relay{out: newOutbox(), heard: make(chan struct{})}
	go func() {
		r.err = read(stdout, limit, on)
		close(r.heard)
		r.out.close()
		_ = stdin.Close() // nobody reads it any more; the writer may be waiting in it
	}()
	go r.write(stdin)
	return r
}

// Send queues a frame for the container. If too much waits already, it waits
// until ctx ends. The frame is copied.
func (r *Relay) Send(ctx context.Context, frame []byte) error {
	return r.out.put(ctx, frame)
}

// Forward is Send for frames of another container: it waits as long as it
// takes, that is until r ends or hangs up, and allocates nothing.
func (r *Relay) Forward(frame []byte) error { return r.out.put(context.Background(), frame) }

// HangUp drops what has not been written and refuses more frames, as for a
// container that has ended. Its output is read on.
func (r *Relay) HangUp() { r.out.close() }

// Wait returns when the container's output has been read to its end: nil at a
// clean end, else what was wrong with it. Its input is closed after that, in the
// runtime's own time. If ctx ends first its cause is returned, and frames may still
// arrive.
func (r *Relay) Wait(ctx context.Context) error {
	select {
	case <-r.heard:
		return r.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func read(stdout io.Reader, limit int, on func([]byte) error) error {
	in := frame.NewReader(stdout, limit)
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = on(f)
		}
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) { // then nothing comes any more
				_, _ = io.Copy(io.Discard, stdout) // a full pipe would keep the container from ending
			}
			return fmt.Errorf("relay: %w", err)
		}
	}
}

// write writes what is queued. A container that no longer reads has ended or
// soon will, and the reader will see it.
func (r *Relay) write(stdin io.Writer) {
	var spare []byte
	for {
		b, ok := r.out.take(spare)
		if !ok {
			return
		}
		if _, err := stdin.Write(b); err != nil {
			r.out.close()
			return
		}
		spare = b
	}
}
