package relay

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/ingot-grading/ingot/wire/frame"
)

const (
	window    = 256 << 10 // bytes that may wait for a container before senders do
	keepSpare = 1 << 20   // a buffer over this is let go once written
)

// outbox holds what waits to be written to a container: frames with their
// lengths, one behind the other, so that all of them leave with one call.
type outbox struct {
	mu      sync.Mutex
	moved   *sync.Cond // pending or closed changed
	pending []byte
	closed  bool
}

func newOutbox() *outbox {
	o := &outbox{}
	o.moved = sync.NewCond(&o.mu)
	return o
}

// put adds a frame, which it copies, once there is room or ctx ends. Nothing is
// allocated for a ctx that cannot end.
func (o *outbox) put(ctx context.Context, f []byte) error {
	if uint64(len(f)) > math.MaxUint32 {
		return fmt.Errorf("relay: %w: %d bytes", frame.ErrTooLarge, len(f))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if ctx.Done() != nil && len(o.pending) >= window {
		defer context.AfterFunc(ctx, o.wake)()
	}
	for len(o.pending) >= window && !o.closed {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		o.moved.Wait()
	}
	if o.closed {
		return ErrEnded
	}
	o.pending = binary.BigEndian.AppendUint32(o.pending, uint32(len(f)))
	o.pending = append(o.pending, f...)
	o.moved.Broadcast()
	return nil
}

// take waits for something to write and hands it over in exchange for the
// buffer that was written last. False: there will be nothing more.
func (o *outbox) take(spare []byte) ([]byte, bool) {
	if cap(spare) > keepSpare {
		spare = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.pending) == 0 && !o.closed {
		o.moved.Wait()
	}
	if o.closed {
		return nil, false
	}
	full := o.pending
	o.pending = spare[:0]
	o.moved.Broadcast()
	return full, true
}

// close drops what waits and refuses what comes.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.pending = true, nil
	o.moved.Broadcast()
}

// wake lets those who wait look at their contexts.
func (o *outbox) wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moved.Broadcast()
}
