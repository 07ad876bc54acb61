package student

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

// shimOf is a student container without a command, what its command would read
// and write, and what it says.
func shimOf(t *testing.T, flow bool) (s *relayedShim, stdin, stdout *os.File, says *frame.Reader) {
	t.Helper()
	heard, out := io.Pipe()
	t.Cleanup(func() { heard.Close() })
	stdin, in := pipe(t)
	from, stdout := pipe(t)
	s = newRelayedShim(nil, out, flow, slog.New(slog.DiscardHandler))
	s.init, s.outputs = &grading.RunStudentInit{SocketID: "p1"}, []*os.File{from}
	says = frame.NewReader(heard, maxFrame)
	began := make(chan error, 1)
	go func() { began <- s.begin() }()
	if flow {
		if m := hear[*grading.Taken](t, says); *m != (grading.Taken{SocketID: "p1"}) {
			t.Errorf("begins with %+v", m)
		}
	}
	if err := <-began; err != nil {
		t.Fatal(err)
	}
	go s.feed(in)
	go s.pump(from, false)
	return s, stdin, stdout, says
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func hear[M grading.Message](t *testing.T, says *frame.Reader) M {
	t.Helper()
	b, err := says.Next()
	if err != nil {
		t.Fatal(err)
	}
	m, err := grading.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := m.(M)
	if !ok {
		t.Fatalf("it says %+v", m)
	}
	return got
}

// What is told to be taken is what the command has read, or does not want.
func TestInputIsTaken(t *testing.T) {
	s, stdin, _, says := shimOf(t, true)
	block := make([]byte, grading.FlowStep)
	for range 3 {
		s.input.put(block)
	}
	s.input.put(nil)
	for range 3 {
		if _, err := io.CopyN(io.Discard, stdin, int64(len(block))); err != nil {
			t.Fatal(err)
		}
		if m := hear[*grading.Taken](t, says); m.Size != int64(len(block)) || m.SocketID != "p1" {
			t.Errorf("it says %+v", m)
		}
	}
	if n, err := io.Copy(io.Discard, stdin); n != 0 || err != nil {
		t.Errorf("%d bytes more, %v", n, err)
	}
	s.input.put(block) // to nobody
	if m := hear[*grading.Taken](t, says); m.Size != int64(len(block)) {
		t.Errorf("it says %+v", m)
	}
	s.input.close()
}

// A command's output waits for what the script has read, whatever strangers say,
// until nobody can tell any more.
func TestOutputWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(grading.FlowWindow)
		n := 0
		go func() {
			for range 10 {
				b.take(grading.FlowWindow / 2)
				n++
			}
		}()
		passed := func(want int, after string) {
			t.Helper()
			if synctest.Wait(); n != want {
				t.Errorf("%s: %d blocks are out, want %d", after, n, want)
			}
		}
		passed(2, "the start")
		b.give(-5)
		passed(2, "less than nothing")
		b.give(1)
		passed(3, "a byte")
		b.give(math.MaxInt64)
		passed(5, "more than there is")
		b.lift()
		passed(10, "the end")
	})
}

// All of a command's output is budgeted, before it is sent.
func TestOutputIsCounted(t *testing.T) {
	s, _, stdout, says := shimOf(t, true)
	defer s.input.close()
	go func() {
		_, _ = stdout.Write(make([]byte, 3*grading.FlowWindow))
		stdout.Close()
	}()
	for n := 0; n < 3*grading.FlowWindow; {
		m := hear[*grading.Stdout](t, says)
		n += len(m.Message)
		s.output.mu.Lock()
		used := s.output.used
		s.output.mu.Unlock()
		if used < len(m.Message) {
			t.Fatalf("%d bytes were sent, of which %d count", len(m.Message), used)
		}
		s.output.give(int64(len(m.Message)))
	}
}

// A command hears that nobody reads its output any more.
func TestOutputOfNobody(t *testing.T) {
	s, _, stdout, says := shimOf(t, true)
	defer s.input.close()
	if _, err := stdout.Write(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	hear[*grading.Stdout](t, says)
	s.wasTaken(grading.NoneLeft)
	if _, err := stdout.Write(make([]byte, 1<<20)); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("written: %v", err)
	}
}

// Grading containers that know nothing of flow control are not waited for, and
// hear nothing of it.
func TestNoFlowControl(t *testing.T) {
	s, stdin, stdout, says := shimOf(t, false)
	go func() {
		for range 3 * grading.FlowWindow / block {
			s.input.put(make([]byte, block))
		}
		s.input.close()
		_, _ = stdout.Write(make([]byte, 3*grading.FlowWindow))
	}()
	if n, err := io.Copy(io.Discard, stdin); n != 3*grading.FlowWindow/block*block || err != nil {
		t.Errorf("%d bytes of input, %v", n, err)
	}
	for n := 0; n < 3*grading.FlowWindow; {
		n += len(hear[*grading.Stdout](t, says).Message)
	}
}

// No more input is kept than the bound, whatever the grading container sends.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		put := 0
		go func() {
			for range 100 {
				q.put(make([]byte, block))
				put++
			}
			q.close()
		}()
		if synctest.Wait(); put != maxInput/block+1 {
			t.Errorf("%d blocks wait, want %d", put, maxInput/block+1)
		}
		n := 0
		for {
			b, ok := q.take()
			if !ok {
				break
			}
			n += len(b)
		}
		if n != 100*block {
			t.Errorf("%d bytes came out", n)
		}
	})
}

// A command that has ended takes no signals, and nothing waits for it to.
func TestSignalsForNobody(t *testing.T) {
	var frames bytes.Buffer
	w := frame.NewWriter(&frames)
	for range 2 * maxSignals {
		f, err := grading.Append(nil, &grading.StudentSignal{Signal: []byte("015")})
		if err == nil {
			err = w.Write(f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s, _, _, _ := shimOf(t, true)
	s.in = frame.NewReader(&frames, maxFrame)
	signals := make(chan syscall.Signal, maxSignals)
	s.receive(signals)
	if len(signals) != maxSignals {
		t.Errorf("%d signals are kept, want %d", len(signals), maxSignals)
	}
}

// Nothing is said after the end, which could be cut by it.
func TestNothingIsSaidAfterTheEnd(t *testing.T) {
	s, _, _, _ := shimOf(t, true)
	s.input.close()
	s.end()
	if err := s.send(&grading.Taken{}); !errors.Is(err, errEnded) {
		t.Errorf("sent: %v", err)
	}
}
