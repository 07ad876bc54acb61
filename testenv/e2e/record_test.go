//go:build native || vm

package e2e

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// record keeps what is written to it, a line at a time.
type record struct {
	mu    sync.Mutex
	text  strings.Builder
	wants []want
}

// want is what somebody waits for.
type want struct {
	parts []string
	count int
	seen  chan struct{}
}

// Write keeps a line and tells who waited for it.
func (r *record) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.wants {
		if w := &r.wants[i]; w.in(string(line)) {
			if w.count--; w.count == 0 {
				close(w.seen)
			}
		}
	}
	return r.text.Write(line)
}

func (w *want) in(line string) bool {
	for _, p := range w.parts {
		if !strings.Contains(line, p) {
			return false
		}
	}
	return true
}

// expect returns a function that waits until n lines with all parts have been
// written from now on.
func (r *record) expect(n int, parts ...string) (wait func(testing.TB)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := want{parts, n, make(chan struct{})}
	r.wants = append(r.wants, w)
	return func(t testing.TB) {
		t.Helper()
		select {
		case <-w.seen:
		case <-time.After(patience):
			t.Fatalf("nobody says %q", parts)
		}
	}
}

// has reports whether text has been written.
func (r *record) has(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(r.text.String(), text)
}
