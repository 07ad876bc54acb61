package relay

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ingot-grading/ingot/wire/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const limit = 1 << 20

// container is the other end of a relay.
type container struct {
	in  *os.File // what it reads
	out *os.File // what it writes to
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func begin(t testing.TB, on func([]byte) error) (*Relay, container) {
	t.Helper()
	in, stdin := pipe(t)
	stdout, out := pipe(t)
	return Start(stdin, stdout, limit, on), container{in, out}
}

func ended(t testing.TB, r *Relay) error {
	t.Helper()
	ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	err := r.Wait(ctx)
	if ctx.Err() != nil {
		t.Fatal("the relay does not end")
	}
	return err
}

func ignore([]byte) error { return nil }

func framed(size int) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(size)), make([]byte, size)...)
}

// Frames pass in order both ways, and the container's last one is there before
// Wait returns.
func TestBothWays(t *testing.T) {
	var got []string
	r, c := begin(t, func(f []byte) error { got = append(got, string(f)); return nil })
	const n = 1000
	go func() {
		w := frame.NewWriter(c.out)
		in := frame.NewReader(c.in, limit)
		for range n { // an echo
			f, err := in.Next()
			if err == nil {
				err = w.Write(f)
			}
			if err != nil {
				t.Error(err)
			}
		}
		c.out.Close()
	}()
	for i := range n {
		if err := r.Send(t.Context(), fmt.Appendf(nil, "frame %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := ended(t, r); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if want := fmt.Sprintf("frame %d", i); i >= len(got) || got[i] != want {
			t.Fatalf("frame %d is missing or wrong", i)
		}
	}
	if err := r.Send(t.Context(), nil); !errors.Is(err, ErrEnded) {
		t.Errorf("after the end: %v, want ErrEnded", err)
	}
}

// Whatever a container writes ends the relay with the right error, and the
// frames before it have arrived.
func TestBadOutput(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff}
	for name, c := range map[string]struct {
		output []byte
		frames int
		want   error
	}{
		"nothing":             {nil, 0, nil},
		"clean":               {framed(3), 1, nil},
		"cut length":          {append(framed(3), 0, 0), 1, io.ErrUnexpectedEOF},
		"cut frame":           {framed(300)[:200], 0, io.ErrUnexpectedEOF},
		"4 GiB":               {append(framed(3), huge...), 1, frame.ErrTooLarge},
		"4 GiB and a flood":   {append(huge, make([]byte, 5<<20)...), 0, frame.ErrTooLarge},
		"text after a frame":  {append(framed(3), "nobody logged in\n"...), 1, frame.ErrTooLarge},
		"one over the limit":  {framed(limit + 1), 0, frame.ErrTooLarge},
		"as long as can be":   {framed(limit), 1, nil},
		"frames of no length": {make([]byte, 4*10), 10, nil},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			r, end := begin(t, func([]byte) error { n++; return nil })
			go func() {
				if _, err := end.out.Write(c.output); err != nil {
					t.Error(err)
				}
				end.out.Close()
			}()
			if err := ended(t, r); !errors.Is(err, c.want) || n != c.frames {
				t.Errorf("%d frames, then %v; want %d, then %v", n, err, c.frames, c.want)
			}
		})
	}
}

// What a container announces is not allocated before it is there.
func TestMemoryIsBounded(t *testing.T) {
	in, stdin := pipe(t)
	stdout, out := pipe(t)
	defer in.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := Start(stdin, stdout, 1<<30, ignore)
	if _, err := out.Write(binary.BigEndian.AppendUint32(nil, 1<<30)); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := ended(t, r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d bytes allocated for a frame of which 1 MiB came", used)
	}
}

// A container that reads nothing makes senders wait, and its end, a hang-up or
// their own context lets them go.
func TestSendersWait(t *testing.T) {
	killed := errors.New("killed")
	for name, c := range map[string]struct {
		release func(*Relay, container, context.CancelCauseFunc)
		want    error
	}{
		"end":     {func(_ *Relay, c container, _ context.CancelCauseFunc) { c.out.Close() }, ErrEnded},
		"hang up": {func(r *Relay, _ container, _ context.CancelCauseFunc) { r.HangUp() }, ErrEnded},
		"context": {func(_ *Relay, _ container, stop context.CancelCauseFunc) { stop(killed) }, killed},
		"no reader": {func(_ *Relay, c container, _ context.CancelCauseFunc) {
			c.in.Close()
		}, ErrEnded},
	} {
		t.Run(name, func(t *testing.T) {
			r, end := begin(t, ignore)
			ctx, stop := context.WithCancelCause(t.Context())
			f := make([]byte, 64<<10)
			sent, full := 0, make(chan error, 1)
			go func() {
				for {
					if err := r.Send(ctx, f); err != nil {
						full <- err
						return
					}
					sent++
				}
			}()
			forwards := make(chan error, 1)
			go func() {
				for {
					if err := r.Forward(f); err != nil {
						forwards <- err
						return
					}
				}
			}()
			select {
			case err := <-full:
				t.Fatalf("not waited: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			c.release(r, end, stop)
			if err := <-full; !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if sent > 2*window/len(f)+10 {
				t.Errorf("%d frames of 64 KiB were taken for a container that reads none", sent)
			}
			end.out.Close()
			end.in.Close()
			if err := <-forwards; !errors.Is(err, ErrEnded) {
				t.Errorf("forwarding: %v", err)
			}
			if err := ended(t, r); err != nil {
				t.Error(err)
			}
			stop(nil)
		})
	}
}

// A container whose output has ended gets the end of its input too, also while a
// frame for it cannot be written.
func TestInputEndsWithOutput(t *testing.T) {
	r, c := begin(t, ignore)
	go func() {
		for r.Forward(make([]byte, 64<<10)) == nil { // until the relay has ended
		}
	}()
	if err := c.in.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c.in, make([]byte, 1<<20)); err != nil { // it flows
		t.Fatal(err)
	}
	c.out.Close()
	if err := ended(t, r); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, c.in); err != nil {
		t.Errorf("its input does not end: %v", err)
	}
}

// What was needed for a large frame is not kept for the small ones after it.
func TestLargeFramesAreLetGo(t *testing.T) {
	o := newOutbox()
	var b []byte
	for _, n := range []int{8 * keepSpare, 100, 100, 100} {
		if err := o.put(t.Context(), make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		b, _ = o.take(b)
	}
	if kept := cap(b) + cap(o.pending); kept > 2*keepSpare {
		t.Errorf("%d bytes are kept", kept)
	}
}

// An error of the callback ends the relay, but not the container's writing.
func TestCallbackError(t *testing.T) {
	bad := errors.New("bad")
	r, c := begin(t, func([]byte) error { return bad })
	if _, err := c.out.Write(bytes.Repeat(framed(1000), 2000)); err != nil {
		t.Fatal(err)
	}
	c.out.Close()
	if err := ended(t, r); !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
}

// stuck is an input whose end takes its time.
type stuck struct {
	*os.File
	until chan struct{}
}

func (s stuck) Close() error {
	<-s.until
	return s.File.Close()
}

// All output is there when it was read, although nobody has closed the input yet.
func TestOutputIsThereBeforeTheInputIsClosed(t *testing.T) {
	_, stdin := pipe(t)
	stdout, out := pipe(t)
	until := make(chan struct{})
	defer close(until)
	n := 0
	r := Start(stuck{stdin, until}, stdout, limit, func([]byte) error { n++; return nil })
	if err := frame.NewWriter(out).Write([]byte("last")); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := ended(t, r); err != nil || n != 1 {
		t.Errorf("%d frames, %v", n, err)
	}
}
