package zmtp

import (
	"bufio"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// BenchmarkRouterIn is what a Router takes for a message from a peer that never
// waits.
func BenchmarkRouterIn(b *testing.B) {
	for name, size := range map[string]int{"100B": 100, "1MiB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			r := listen(b, "tcp://127.0.0.1:*", Config{})
			p, _ := rawUp(b, r)
			frame := []byte(message(string(make([]byte, size))))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			go func() {
				w := bufio.NewWriterSize(p, 64<<10)
				for range b.N {
					w.Write(frame) //nolint:errcheck // the messages below show it
				}
				w.Flush() //nolint:errcheck // likewise
			}()
			for range b.N {
				r.Release((<-r.Events()).Frame)
			}
		})
	}
}

// BenchmarkRouterOut is what a Router takes for a message to a peer that only
// reads.
func BenchmarkRouterOut(b *testing.B) {
	for name, size := range map[string]int{"100B": 100, "1MiB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			r := listen(b, "tcp://127.0.0.1:*", Config{})
			p, peer := rawUp(b, r)
			frame := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			done := make(chan struct{})
			go func() {
				defer close(done)
				io.CopyN(io.Discard, p.r, int64(b.N)*int64(len(message(string(frame))))) //nolint:errcheck // it cannot end early
			}()
			for range b.N {
				for errors.Is(r.Send(peer, frame), wire.ErrQueueFull) {
					runtime.Gosched()
				}
			}
			<-done
		})
	}
}

// BenchmarkEcho is a message from a Dealer to a Router and back.
func BenchmarkEcho(b *testing.B) {
	r := listen(b, "tcp://127.0.0.1:*", Config{})
	d := connect(b, r.Addr(), Config{})
	rp, dp := next(b, r, wire.PeerUp).Peer, next(b, d, wire.PeerUp).Peer
	frame := make([]byte, 100)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		d.Send(dp, frame) //nolint:errcheck // the events show it
		<-r.Events()
		r.Send(rp, frame) //nolint:errcheck // likewise
		<-d.Events()
	}
}
