package zmtp

import (
	"runtime"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// What the kernel took counts until the other side has it, and nothing is known of a
// connection that was just ended.
func TestQueuedInTheKernel(t *testing.T) {
	for name, addr := range map[string]string{"tcp": "tcp://127.0.0.1:*", "ipc": abstract("queued")} {
		t.Run(name, func(t *testing.T) {
			r := listen(t, addr, Config{})
			d := connect(t, r.Addr(), Config{QueueMessages: 1 << 20})
			p := next(t, d, wire.PeerUp).Peer
			next(t, r, wire.PeerUp)
			frame := make([]byte, copyLimit+1) // each is written as it comes
			d.mu.RLock()
			c := d.conns[p]
			d.mu.RUnlock()
			waiting := int64(0)
			for sent := 0; ; sent++ { // to a router that does not read
				if sent == 10_000 {
					t.Fatal("the kernel's share is never seen")
				}
				if err := d.Send(p, frame); err != nil {
					t.Fatal(err)
				}
				runtime.Gosched()
				_, waiting = c.queue.size() // at most: the writer takes of it
				if n, ok := d.Queued(p); !ok {
					t.Fatal("the connection has ended")
				} else if n > waiting+2*readBuffer { // more than the router's side reads ahead
					break
				}
			}
			d.Drop(p, nil)
			for { // whenever it is asked
				n, ok := d.Queued(p)
				if !ok {
					break
				}
				if n == 0 {
					t.Fatal("all has arrived at the end")
				}
				runtime.Gosched()
			}
		})
	}
}
