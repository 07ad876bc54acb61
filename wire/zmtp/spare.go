package zmtp

import "sync"

// spareMin is the least size worth keeping: below it, the allocator is as quick.
const spareMin = 64 << 10

// spare keeps the memory of frames that were given back until the garbage
// collector wants it. A nil spare keeps nothing.
type spare struct{ pool sync.Pool } // of *[]byte

func (s *spare) put(b []byte) {
	if cap(b) >= spareMin {
		whole := b[:cap(b)] // a variable of its own, as it moves to the heap
		s.pool.Put(&whole)
	}
}

// take returns memory of n bytes with anything in it, or nil. Memory of more than
// twice the size is not used: whoever keeps the frame would keep all of it.
func (s *spare) take(n int64) []byte {
	if s == nil || n < spareMin {
		return nil
	}
	b, ok := s.pool.Get().(*[]byte)
	if !ok || int64(cap(*b)) < n || int64(cap(*b)) > 2*n {
		return nil
	}
	return (*b)[:n]
}
