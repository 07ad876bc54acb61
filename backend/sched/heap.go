package sched

// fanout is the number of children of a node: a flatter heap than a binary one
// touches less memory.
const fanout = 4

// heap is a priority queue whose items know where they are, so that any of them
// can be changed or removed.
type heap[T any] struct {
	items  []T
	before func(a, b T) bool
	moved  func(x T, at int) // tells x its place, -1 when it is out
}

// peek returns the first item, or false if there is none.
func (h *heap[T]) peek() (first T, ok bool) {
	if len(h.items) == 0 {
		return first, false
	}
	return h.items[0], true
}

func (h *heap[T]) push(x T) {
	h.items = append(h.items, x)
	h.up(len(h.items) - 1)
}

// remove takes out the item at i.
func (h *heap[T]) remove(i int) {
	last := len(h.items) - 1
	h.moved(h.items[i], -1)
	x := h.items[last]
	var zero T
	h.items[last] = zero
	h.items = h.items[:last]
	if i < last {
		h.set(i, x)
	}
	if c := cap(h.items); c > 1024 && last < c/4 { // give memory back after a flood
		h.items = append(make([]T, 0, c/2), h.items...)
	}
}

// set replaces the item at i.
func (h *heap[T]) set(i int, x T) {
	h.items[i] = x
	if !h.down(i) {
		h.up(i)
	}
}

func (h *heap[T]) up(i int) {
	x := h.items[i]
	for i > 0 {
		parent := (i - 1) / fanout
		if !h.before(x, h.items[parent]) {
			break
		}
		h.put(i, h.items[parent])
		i = parent
	}
	h.put(i, x)
}

// down reports whether the item at i moved.
func (h *heap[T]) down(i int) bool {
	x, from := h.items[i], i
	for {
		first := i*fanout + 1
		if first >= len(h.items) {
			break
		}
		best := first
		for c := first + 1; c < min(first+fanout, len(h.items)); c++ {
			if h.before(h.items[c], h.items[best]) {
				best = c
			}
		}
		if !h.before(h.items[best], x) {
			break
		}
		h.put(i, h.items[best])
		i = best
	}
	h.put(i, x)
	return i != from
}

func (h *heap[T]) put(i int, x T) {
	h.items[i] = x
	h.moved(x, i)
}
