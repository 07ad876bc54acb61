package student

import (
	"os"
	"sync"

	"github.com/ingot-grading/ingot/wire/grading"
)

// begin says that this container takes part in flow control, if the other one does.
func (s *relayedShim) begin() error {
	if !s.flow {
		s.output.lift()
		return nil
	}
	return s.send(&grading.Taken{SocketID: s.init.SocketID})
}

// feed writes the command's input, and tells what was taken of it. An empty block
// is the end of it, and so is that of the frames. A command need not read all.
func (s *relayedShim) feed(stdin *os.File) {
	defer stdin.Close()
	open, n := true, 0
	for {
		b, ok := s.input.take()
		if !ok {
			return
		}
		if open {
			_, err := stdin.Write(b)
			open = err == nil && len(b) > 0
			if !open {
				stdin.Close()
			}
		}
		if n += len(b); !s.flow || n < grading.FlowStep {
			continue
		}
		if s.send(&grading.Taken{SocketID: s.init.SocketID, Size: int64(n)}) != nil {
			return // at the end of it all
		}
		n = 0
	}
}

// wasTaken notes that the script has read so much of the output, or that it will
// not read any more. Then the command writes to pipes that nobody reads.
func (s *relayedShim) wasTaken(n int64) {
	s.output.give(n)
	if n == grading.NoneLeft {
		s.output.lift()
		for _, f := range s.outputs {
			f.Close()
		}
	}
}

// budget counts bytes that are on their way.
type budget struct {
	mu     sync.Mutex
	moved  *sync.Cond // any of the following
	limit  int
	used   int
	lifted bool
}

func newBudget(limit int) *budget {
	b := &budget{limit: limit}
	b.moved = sync.NewCond(&b.mu)
	return b
}

// take adds n once the limit is not reached: what comes in pieces fits whatever
// their sizes are.
func (b *budget) take(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.used >= b.limit && !b.lifted {
		b.moved.Wait()
	}
	b.used += n
}

// give takes n off again. No stranger's number makes room for more than there was.
func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= int(max(0, min(n, int64(b.used))))
	b.moved.Broadcast()
}

// lift ends the limit.
func (b *budget) lift() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lifted = true
	b.moved.Broadcast()
}
