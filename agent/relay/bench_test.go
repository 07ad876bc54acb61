package relay

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/ingot-grading/ingot/wire/grading"
)

// output is a frame of a student container with n bytes of output.
func output(t testing.TB, n int) []byte {
	t.Helper()
	f, err := grading.Append(nil, &grading.Stdout{SocketID: "p12345678", Message: make([]byte, n)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// BenchmarkForward carries frames from one container to another. Compare its
// bytes per second with those of bare: the same pipes and bytes without frames.
func BenchmarkForward(b *testing.B) {
	for _, size := range []int{100, 4 << 10, 64 << 10} {
		f := output(b, size)
		framed := append(framed(len(f))[:4], f...)
		perBlock := max(1, (64<<10)/len(framed))
		block := bytes.Repeat(framed, perBlock)
		b.Run(fmt.Sprintf("bare/%d", size), func(b *testing.B) {
			benchPipes(b, block, perBlock, func(from io.Reader, to io.WriteCloser, _ <-chan struct{}) {
				// Hidden behind plain interfaces, as the kernel would splice files.
				_, _ = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 64<<10))
			})
		})
		b.Run(fmt.Sprintf("relay/%d", size), func(b *testing.B) { benchPipes(b, block, perBlock, relayed(b)) })
	}
}

// relayed carries as a job does: the output of a student container to the
// grading one.
func relayed(b *testing.B) func(io.Reader, io.WriteCloser, <-chan struct{}) {
	return func(from io.Reader, to io.WriteCloser, arrived <-chan struct{}) {
		silent, quiet := pipe(b)
		_, stdin := pipe(b)
		grader := Start(to, silent, limit, ignore)
		student := Start(stdin, from, limit, func(f []byte) error {
			if h, err := grading.Peek(f); err != nil || h.Kind != grading.KindStdout {
				return fmt.Errorf("kind %q: %w", h.Kind, err)
			}
			return grader.Forward(f)
		})
		if err := student.Wait(b.Context()); err != nil {
			b.Error(err)
		}
		<-arrived
		quiet.Close()
		if err := grader.Wait(b.Context()); err != nil {
			b.Error(err)
		}
	}
}

// benchPipes sends b.N frames in blocks through carry and waits until they have arrived.
func benchPipes(b *testing.B, block []byte, perBlock int, carry func(io.Reader, io.WriteCloser, <-chan struct{})) {
	from, source := pipe(b)
	sink, to := pipe(b)
	blocks := (b.N + perBlock - 1) / perBlock
	arrived, carried := make(chan struct{}), make(chan struct{})
	b.SetBytes(int64(len(block) / perBlock))
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		defer close(carried)
		carry(from, to, arrived)
	}()
	go func() {
		for range blocks {
			if _, err := source.Write(block); err != nil {
				b.Error(err)
			}
		}
		source.Close()
	}()
	buf := make([]byte, 64<<10)
	for left := blocks * len(block); left > 0; {
		n, err := sink.Read(buf)
		if left -= n; err != nil {
			b.Fatalf("%d bytes are missing: %v", left, err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(blocks*perBlock)/b.Elapsed().Seconds(), "frames/s")
	close(arrived)
	<-carried
}
