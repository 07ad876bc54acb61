package agent

import (
	"slices"
	"time"
)

// doubt is how long after a result was written the backend must still be heard of
// before it is taken for read. Time without a word of it does not count: it may
// be out of reach since before.
const doubt = 10 * time.Second

// most is how many bytes of results that were written are kept because of doubt.
// Results that were not are kept whatever their size.
const most = 256 << 20

// letter is an encoded result on its way to the backend.
type letter struct {
	job     string
	frame   []byte
	until   int64     // how far the connection's bytes must be written for it to be, once it was sent
	written time.Time // once it was
}

// outbox keeps results until they may be taken for delivered. The protocol has
// no acknowledgement, so a result written shortly before its connection broke is
// sent again on the next; a backend that had read it ignores the second one
// (PROTOCOL.md 2.5).
type outbox struct {
	letters   []letter // in the order in which they are sent
	unsent    int      // where those begin that are yet to be sent
	unwritten int      // where those begin that are yet to be written
	doubted   int      // bytes of those before
}

// uplinked is the connection that results go to.
type uplinked interface {
	sendFrame(frame []byte) bool // whether it was taken
	sent() int64                 // bytes of all that was taken
	written() int64              // bytes of that, at least
}

// add puts a result that has yet to be sent at the end.
func (o *outbox) add(job string, frame []byte) {
	o.letters = append(o.letters, letter{job: job, frame: frame})
}

// has reports whether a result of job is still kept.
func (o *outbox) has(job string) bool {
	return slices.ContainsFunc(o.letters, func(l letter) bool { return l.job == job })
}

// send offers each unsent result to the connection, in order, until one is refused.
func (o *outbox) send(to uplinked) {
	for o.unsent < len(o.letters) && to.sendFrame(o.letters[o.unsent].frame) {
		o.letters[o.unsent].until = to.sent()
		o.unsent++
	}
}

// settle notes which results have been written, and forgets those that were long
// enough before the backend was heard of last, or more of them if they are too large.
// It looks at no others: many results may be kept.
func (o *outbox) settle(now, heard time.Time, to uplinked) {
	if o.unwritten < o.unsent {
		for written := to.written(); o.unwritten < o.unsent && o.letters[o.unwritten].until <= written; o.unwritten++ {
			o.letters[o.unwritten].written = now
			o.doubted += len(o.letters[o.unwritten].frame)
		}
	}
	old := 0
	for old < o.unwritten && (heard.Sub(o.letters[old].written) >= doubt || o.doubted > most) {
		o.doubted -= len(o.letters[old].frame)
		old++
	}
	clear(o.letters[:old])
	o.letters, o.unsent, o.unwritten = o.letters[old:], o.unsent-old, o.unwritten-old
}

// broken marks as unsent what was not written long enough before the backend was
// heard of last. It drops results of earlier runs of jobs that run again, or have
// another result: whoever sent those knows no other, and would take it for theirs.
func (o *outbox) broken(heard time.Time, runs func(job string) bool) {
	for o.unwritten > 0 && heard.Sub(o.letters[o.unwritten-1].written) < doubt {
		o.unwritten--
		o.doubted -= len(o.letters[o.unwritten].frame)
	}
	o.unsent = o.unwritten
	last := map[string]int{}
	for i, l := range o.letters {
		last[l.job] = i
	}
	kept := o.letters[:o.unsent]
	for i, l := range o.letters[o.unsent:] {
		if last[l.job] == o.unsent+i && !runs(l.job) {
			kept = append(kept, l)
		}
	}
	clear(o.letters[len(kept):])
	o.letters = kept
}

// waits reports whether there are results that have not reached the other side's
// machine, as far as was looked.
func (o *outbox) waits() bool { return o.unwritten < len(o.letters) }
