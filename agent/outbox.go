package agent

import (
	"slices"
	"time"
)

// doubt is how long after a result was sent the backend must still be heard of
// before it is taken for read. Time without a word of it does not count: it may
// be out of reach since before.
const doubt = 10 * time.Second

// most is how many bytes of results that were sent are kept because of doubt.
// Results that were not sent are kept whatever their size.
const most = 256 << 20

// letter is an encoded result on its way to the backend.
type letter struct {
	job   string
	frame []byte
	sent  time.Time // once it was
}

// outbox keeps results until they may be taken for delivered. The protocol has
// no acknowledgement, so a result sent shortly before its connection broke is
// sent again on the next; a backend that had read it ignores the second one
// (PROTOCOL.md 2.5).
type outbox struct {
	letters []letter // in the order in which they are sent
	unsent  int      // where those begin that are yet to be sent
	size    int      // bytes of all
}

// add puts a result that has yet to be sent at the end.
func (o *outbox) add(job string, frame []byte) {
	o.letters = append(o.letters, letter{job: job, frame: frame})
	o.size += len(frame)
}

// has reports whether a result of job is still kept.
func (o *outbox) has(job string) bool {
	return slices.ContainsFunc(o.letters, func(l letter) bool { return l.job == job })
}

// deliver offers each unsent result to send, in order, until one is refused,
// and forgets those sent long enough before the backend was heard of last, or
// more of them if they are too large. It looks at no others: many results may
// be kept.
func (o *outbox) deliver(now, heard time.Time, send func([]byte) bool) {
	for o.unsent < len(o.letters) && send(o.letters[o.unsent].frame) {
		o.letters[o.unsent].sent = now
		o.unsent++
	}
	old := 0
	for old < o.unsent && (heard.Sub(o.letters[old].sent) >= doubt || o.size > most) {
		o.size -= len(o.letters[old].frame)
		old++
	}
	clear(o.letters[:old])
	o.letters, o.unsent = o.letters[old:], o.unsent-old
}

// broken marks as unsent what was not sent long enough before the backend was
// heard of last.
func (o *outbox) broken(heard time.Time) {
	for o.unsent > 0 && heard.Sub(o.letters[o.unsent-1].sent) < doubt {
		o.unsent--
	}
}
