package agent

import (
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// line is a connection that takes all frames, or none, and writes what it took, or
// nothing yet.
type line struct {
	deaf, slow bool
	upTo       int64 // what is written, if it is slow
	frames     int
	bytes      int64
}

func (l *line) sendFrame(frame []byte) bool {
	if l.deaf {
		return false
	}
	l.frames++
	l.bytes += int64(len(frame))
	return true
}

func (l *line) sent() int64 { return l.bytes }

func (l *line) written() int64 {
	if l.slow {
		return l.upTo
	}
	return l.bytes
}

func idle(string) bool { return false }

// deliver sends what there is, and looks at what became of all.
func deliver(o *outbox, now, heard time.Time, to uplinked) {
	o.send(to)
	o.settle(now, heard, to)
}

// A result that waits in a queue is not read, however long the backend has been
// heard of since: it is sent again on the next connection.
func TestResultIsDoubtedUntilItIsWritten(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	l := &line{slow: true}
	var o outbox
	o.add("a", make([]byte, 10))
	for now := range 100 {
		deliver(&o, at(now), at(now), l)
	}
	if !o.has("a") || l.frames != 1 {
		t.Errorf("sent %d times", l.frames)
	}
	o.broken(at(100), idle)
	l.slow = false
	for now := range 9 {
		deliver(&o, at(101+now), at(101+now), l)
	}
	if !o.has("a") || l.frames != 2 {
		t.Errorf("sent %d times, want again", l.frames)
	}
	deliver(&o, at(112), at(112), l)
	if o.has("a") {
		t.Error("it is kept for ever")
	}
}

// A result is kept until the backend was heard of for long enough after it.
// How long it has been out of reach since does not matter.
func TestResultIsDoubtedWhileNothingIsHeard(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	taken := new(line)
	var o outbox
	o.add("a", []byte("a"))
	deliver(&o, at(0), at(0), taken)
	o.add("b", []byte("b"))
	deliver(&o, at(1), at(0), taken)
	deliver(&o, at(60), at(10), taken) // heard of at 10 s for the last time
	if o.has("a") || !o.has("b") {
		t.Error("want a forgotten and b kept")
	}
	o.broken(at(10), idle)
	taken.frames = 0
	deliver(&o, at(61), at(61), taken)
	if taken.frames != 1 {
		t.Errorf("%d results were sent again, want b", taken.frames)
	}
	deliver(&o, at(71), at(71), taken)
	if o.has("b") {
		t.Error("b is kept for ever")
	}
}

// Of results that were sent no more than a bound is kept for doubt's sake. Those
// that were not sent are kept whatever their size.
func TestLargeResultsAreNotDoubted(t *testing.T) {
	now := time.Unix(0, 0)
	var o outbox
	for _, job := range []string{"a", "b", "c"} {
		o.add(job, make([]byte, most/2+1))
	}
	deliver(&o, now, now, &line{deaf: true})
	if !o.has("a") || !o.has("b") || !o.has("c") {
		t.Error("a result that was not sent is forgotten")
	}
	slow := &line{slow: true}
	deliver(&o, now, now, slow)
	if !o.has("a") || !o.has("b") || !o.has("c") {
		t.Error("a result that was not written is forgotten")
	}
	slow.slow = false
	deliver(&o, now, now, slow)
	if o.has("a") || o.has("b") || !o.has("c") {
		t.Error("want the last kept, and as many as are not too much with it")
	}
}

// ending is an end whose connection has ended, which its owner has not heard yet.
type ending struct{ wire.Dealer }

func (ending) Queued(wire.Peer) (int64, bool) { return 0, false }

// Of a connection that has just ended nothing counts as written: results that were
// not would be taken for too large to be doubted.
func TestNothingIsWrittenAtTheEnd(t *testing.T) {
	s := &session{end: ending{}, took: 3 * most}
	var o outbox
	o.add("a", make([]byte, most+1))
	o.letters[0].until, o.unsent = most+1, 1
	now := time.Unix(0, 0)
	deliver(&o, now, now, s)
	if !o.has("a") {
		t.Error("a result that was not written is forgotten")
	}
}

// What waits to be written takes no room from what was written and is doubted.
func TestDoubtBesideMuchUnwritten(t *testing.T) {
	now := time.Unix(0, 0)
	var o outbox
	o.add("a", make([]byte, 10))
	l := new(line)
	deliver(&o, now, now, l)
	l.slow, l.upTo = true, l.bytes
	o.add("b", make([]byte, most+1))
	deliver(&o, now, now, l)
	o.broken(now, idle)
	for _, job := range []string{"a", "b"} {
		if !o.has(job) {
			t.Errorf("the result of %s is forgotten", job)
		}
	}
}

// Results of earlier runs are not sent again, whether the job runs again or has ended
// again.
func TestResultsOfEarlierRuns(t *testing.T) {
	now := time.Unix(0, 0)
	var o outbox
	l := new(line)
	for _, job := range []string{"a", "b", "a", "c"} { // written
		o.add(job, []byte(job))
	}
	deliver(&o, now, now, l)
	l.slow, l.upTo = true, l.bytes
	for _, job := range []string{"b", "a"} { // sent
		o.add(job, []byte(job))
	}
	deliver(&o, now, now, l)
	o.broken(now, func(job string) bool { return job == "a" })
	if o.has("a") || !o.has("b") || !o.has("c") || len(o.letters) != 2 || o.unsent != 0 || o.unwritten != 0 || o.doubted != 0 {
		t.Errorf("left: %+v", o)
	}
}
