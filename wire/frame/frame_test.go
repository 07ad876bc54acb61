package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/ingot-grading/ingot/wire/frame"
	"pgregory.net/rapid"
)

func stream(t testing.TB, frames ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := frame.NewWriter(&b)
	for _, f := range frames {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestFramesComeBackHoweverTheyAreCut(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(3000, 200000)), 0, 8).Draw(rt, "sizes")
		var frames [][]byte
		for i, n := range sizes {
			frames = append(frames, bytes.Repeat([]byte{byte(i + 1)}, n))
		}
		var src io.Reader = bytes.NewReader(stream(t, frames...))
		switch rapid.IntRange(0, 3).Draw(rt, "cut") {
		case 1:
			src = iotest.HalfReader(src)
		case 2:
			src = iotest.DataErrReader(src)
		case 3:
			src = io.MultiReader(io.LimitReader(src, 7), iotest.HalfReader(src))
		}
		r := frame.NewReader(src, 1<<20)
		for i, want := range frames {
			got, err := r.Next()
			if err != nil || !bytes.Equal(got, want) {
				rt.Fatalf("frame %d: %d bytes, %v; want %d", i, len(got), err, len(want))
			}
		}
		for range 2 {
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				rt.Fatalf("at the end: %v", err)
			}
		}
	})
}

func TestHeaderIsBigEndian(t *testing.T) {
	if got := stream(t, bytes.Repeat([]byte{7}, 258)); !bytes.HasPrefix(got, []byte{0, 0, 1, 2, 7}) {
		t.Errorf("got % x", got[:5])
	}
}

func TestCutInsideAFrame(t *testing.T) {
	whole := stream(t, []byte("first"), bytes.Repeat([]byte("x"), 10000))
	for _, cut := range []int{1, 3, 4, 8, 10, 12, 13, 5000, len(whole) - 1} {
		r := frame.NewReader(bytes.NewReader(whole[:cut]), 1<<20)
		err := error(nil)
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: %v", cut, err)
		}
	}
}

func TestReadErrorsAreHandedOn(t *testing.T) {
	broken := errors.New("broken")
	r := frame.NewReader(io.MultiReader(bytes.NewReader(stream(t, []byte("ok"))), iotest.ErrReader(broken)), 10)
	if f, err := r.Next(); string(f) != "ok" || err != nil {
		t.Fatal(string(f), err)
	}
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := frame.NewReader(stuck{}, 10).Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a source that gives nothing: %v", err)
	}
}

// An error inside a frame is told as it is: only an end there is unexpected.
func TestReadErrorInsideAFrame(t *testing.T) {
	broken := errors.New("broken")
	for _, cut := range []int{2, 6} {
		r := frame.NewReader(io.MultiReader(bytes.NewReader(stream(t, []byte("cut"))[:cut]), iotest.ErrReader(broken)), 10)
		if _, err := r.Next(); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", cut, err)
		}
	}
}

// A source may give nothing for a while, as often as it likes.
func TestEmptyReadsArePassedOver(t *testing.T) {
	r := frame.NewReader(&hesitant{src: bytes.NewReader(stream(t, []byte("at last")))}, 10)
	if f, err := r.Next(); string(f) != "at last" || err != nil {
		t.Errorf("got %q, %v", f, err)
	}
}

// hesitant gives one byte in sixty reads.
type hesitant struct {
	src   io.Reader
	reads int
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.reads++; h.reads%60 != 0 {
		return 0, nil
	}
	return h.src.Read(p[:1])
}

// Who appends to a frame does not write into the next one.
func TestFramesEndWhereTheyEnd(t *testing.T) {
	r := frame.NewReader(bytes.NewReader(stream(t, []byte("one"), []byte("two"))), 10)
	f, err := r.Next()
	if longer := append(f, "xxxxxxxx"...); err != nil || len(longer) != 11 {
		t.Fatal(string(longer), err)
	}
	if f, err := r.Next(); string(f) != "two" || err != nil {
		t.Errorf("got %q, %v", f, err)
	}
}

// stuck is a source that breaks the rules of io.Reader.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// A hostile length is refused, or believed only as far as bytes arrive.
func TestLengthsDoNotAllocate(t *testing.T) {
	hostile := func(n uint32, limit int) error {
		header := binary.BigEndian.AppendUint32(nil, n)
		_, err := frame.NewReader(bytes.NewReader(append(header, make([]byte, 5000)...)), limit).Next()
		return err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if err := hostile(1<<32-1, 1<<30); !errors.Is(err, frame.ErrTooLarge) {
			t.Fatalf("4 GiB: %v", err)
		}
		if err := hostile(101, 100); !errors.Is(err, frame.ErrTooLarge) {
			t.Fatalf("one byte too many: %v", err)
		}
		if err := hostile(1<<30, 1<<30); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("1 GiB that does not come: %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
		t.Errorf("%d bytes allocated for 300 frames that never came", got)
	}
}

// What was needed for a large frame is not kept for the small ones after it.
func TestLargeFramesAreLetGo(t *testing.T) {
	const large = 16 << 20
	whole := stream(t, make([]byte, large), make([]byte, 10), make([]byte, 10))
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	r := frame.NewReader(bytes.NewReader(whole), large)
	for range 3 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if after := used(); after > before+large/2 {
		t.Errorf("%d bytes are kept", after-before)
	}
	runtime.KeepAlive(whole)
	runtime.KeepAlive(r)
}

func TestWriterReportsErrors(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	defer out.Close()
	if err := frame.NewWriter(out).Write(make([]byte, 100<<10)); err == nil {
		t.Error("no error from a closed pipe")
	}
}

// calls counts what a writer asks of its destination, and fails from the one on
// that is given.
type calls struct {
	sizes  []int
	failAt int
}

func (c *calls) Write(p []byte) (int, error) {
	if c.sizes = append(c.sizes, len(p)); len(c.sizes) == c.failAt {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// A small frame leaves with one call; a large one is not copied.
func TestWriterCalls(t *testing.T) {
	for _, c := range []struct {
		size, failAt int
		want         []int
	}{
		{0, 0, []int{4}}, {64 << 10, 0, []int{4 + 64<<10}}, {64<<10 + 1, 0, []int{4, 64<<10 + 1}},
		{64<<10 + 1, 1, []int{4}}, // nothing follows what failed
	} {
		dst := &calls{failAt: c.failAt}
		err := frame.NewWriter(dst).Write(make([]byte, c.size))
		if !slices.Equal(dst.sizes, c.want) || (err != nil) != (c.failAt > 0) {
			t.Errorf("%d bytes: calls of %v, %v, want %v", c.size, dst.sizes, err, c.want)
		}
	}
}

// A length that four bytes cannot hold is refused before anything is written.
func TestWriterRefusesTooLarge(t *testing.T) {
	huge, err := syscall.Mmap(-1, 0, 1<<32, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE) // addresses alone
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(huge)
	dst := &calls{}
	if err := frame.NewWriter(dst).Write(huge); !errors.Is(err, frame.ErrTooLarge) || len(dst.sizes) > 0 {
		t.Errorf("%v, calls of %v", err, dst.sizes)
	}
}

// Frames that lie across the end of the buffer do not make it anew.
func TestNoAllocationsReadingAhead(t *testing.T) {
	r := frame.NewReader(&endless{piece: stream(t, make([]byte, 3000))}, 1<<20)
	if n := testing.AllocsPerRun(100, func() {
		if f, err := r.Next(); err != nil || len(f) != 3000 {
			t.Fatal(len(f), err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// In a steady stream neither end allocates.
func TestNoAllocations(t *testing.T) {
	var b bytes.Buffer
	payload := make([]byte, 70<<10)
	w, r := frame.NewWriter(&b), frame.NewReader(&b, 1<<20)
	round := func() {
		for _, n := range []int{100, 3000, len(payload)} {
			if err := w.Write(payload[:n]); err != nil {
				t.Fatal(err)
			}
			if f, err := r.Next(); err != nil || len(f) != n {
				t.Fatal(len(f), err)
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 'x'}, 10)
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 1000)
	f.Add([]byte{0, 0, 4, 0, 1, 2, 3}, 1024)
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		limit = min(max(limit, 0), 1<<20)
		var again bytes.Buffer
		w, r := frame.NewWriter(&again), frame.NewReader(bytes.NewReader(data), limit)
		for {
			got, err := r.Next()
			if err != nil {
				break
			}
			if len(got) > limit {
				t.Fatalf("a frame of %d bytes over the limit %d", len(got), limit)
			}
			if err := w.Write(got); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(data, again.Bytes()) {
			t.Fatal("the frames are not those of the stream")
		}
	})
}

func benchmark(b *testing.B, size int) {
	in, out, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	payload := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		defer out.Close()
		w := frame.NewWriter(out)
		for range b.N {
			if w.Write(payload) != nil {
				return
			}
		}
	}()
	r := frame.NewReader(in, 1<<20)
	for range b.N {
		if f, err := r.Next(); err != nil || len(f) != size {
			b.Fatal(len(f), err)
		}
	}
}

// Through a pipe of the kernel, as to and from a container.
func BenchmarkPipe100(b *testing.B)  { benchmark(b, 100) }
func BenchmarkPipe64K(b *testing.B)  { benchmark(b, 64<<10) }
func BenchmarkRead100(b *testing.B)  { benchmarkRead(b, 100) }
func BenchmarkRead64K(b *testing.B)  { benchmarkRead(b, 64<<10) }
func BenchmarkWrite100(b *testing.B) { benchmarkWrite(b, 100) }
func BenchmarkWrite64K(b *testing.B) { benchmarkWrite(b, 64<<10) }

func benchmarkRead(b *testing.B, size int) {
	src := &endless{piece: stream(b, make([]byte, size))}
	r := frame.NewReader(src, 1<<20)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkWrite(b *testing.B, size int) {
	w, payload := frame.NewWriter(io.Discard), make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(payload); err != nil {
			b.Fatal(err)
		}
	}
}

// endless repeats a piece for ever.
type endless struct {
	piece []byte
	at    int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], e.piece[e.at:])
		n, e.at = n+k, (e.at+k)%len(e.piece)
	}
	return n, nil
}
