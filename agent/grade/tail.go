package grade

import (
	"context"
	"io"
)

// tailSize is how much of a container's stderr is kept for the log.
const tailSize = 4 << 10

// tail reads a stream to its end and keeps the last of it.
type tail struct {
	kept []byte
	done chan struct{}
	cut  bool // the stream had more
}

// follow starts reading r, once.
func (t *tail) follow(r io.Reader) {
	t.done = make(chan struct{})
	go func() {
		defer close(t.done)
		_, _ = io.Copy(t, r) // a broken stream has ended
	}()
}

// Write keeps the last bytes written.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-tailSize):]...)
	if extra := len(t.kept) - tailSize; extra > 0 {
		t.kept, t.cut = append(t.kept[:0], t.kept[extra:]...), true
	}
	return len(p), nil
}

// wait returns when the stream has ended or ctx has.
func (t *tail) wait(ctx context.Context) {
	select {
	case <-t.done:
	case <-ctx.Done():
	}
}

// String is what was kept, or nothing while the stream is still read.
func (t *tail) String() string {
	select {
	case <-t.done:
	default:
		return ""
	}
	if t.cut {
		return "…" + string(t.kept)
	}
	return string(t.kept)
}
