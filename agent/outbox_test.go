package agent

import (
	"testing"
	"time"
)

// A result is kept until the backend was heard of for long enough after it.
// How long it has been out of reach since does not matter.
func TestResultIsDoubtedWhileNothingIsHeard(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	taken := func([]byte) bool { return true }
	var o outbox
	o.add("a", nil)
	o.deliver(at(0), at(0), taken)
	o.add("b", nil)
	o.deliver(at(1), at(0), taken)
	o.deliver(at(60), at(10), taken) // heard of at 10 s for the last time
	if o.has("a") || !o.has("b") {
		t.Error("want a forgotten and b kept")
	}
	o.broken(at(10))
	sent := 0
	o.deliver(at(61), at(61), func([]byte) bool { sent++; return true })
	if sent != 1 {
		t.Errorf("%d results were sent again, want b", sent)
	}
	o.deliver(at(71), at(71), taken)
	if o.has("b") {
		t.Error("b is kept for ever")
	}
}
