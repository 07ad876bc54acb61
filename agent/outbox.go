package agent

import (
	"slices"
	"time"
)

// doubt is how long after a result was sent a broken connection still makes it
// doubtful that the backend has read it.
const doubt = 10 * time.Second

// letter is an encoded result on its way to the backend.
type letter struct {
	job   string
	frame []byte
	sent  time.Time // zero: not yet
}

// outbox keeps results until they may be taken for delivered. The protocol has
// no acknowledgement, so a result sent shortly before its connection broke is
// sent again on the next; a backend that had read it ignores the second one
// (PROTOCOL.md 2.5).
type outbox struct{ letters []letter }

// add puts a result that has yet to be sent at the end.
func (o *outbox) add(job string, frame []byte) {
	o.letters = append(o.letters, letter{job: job, frame: frame})
}

// has reports whether a result of job is still kept.
func (o *outbox) has(job string) bool {
	return slices.ContainsFunc(o.letters, func(l letter) bool { return l.job == job })
}

// deliver offers each unsent result to send, in order, until one is refused,
// and forgets those sent long enough before now.
func (o *outbox) deliver(now time.Time, send func([]byte) bool) {
	keep := o.letters[:0]
	blocked := false
	for _, l := range o.letters {
		if l.sent.IsZero() && !blocked {
			if send(l.frame) {
				l.sent = now
			} else {
				blocked = true
			}
		}
		if l.sent.IsZero() || now.Sub(l.sent) < doubt {
			keep = append(keep, l)
		}
	}
	clear(o.letters[len(keep):])
	o.letters = keep
}

// broken marks what was sent within doubt before now as unsent.
func (o *outbox) broken(now time.Time) {
	for i := range o.letters {
		if now.Sub(o.letters[i].sent) < doubt {
			o.letters[i].sent = time.Time{}
		}
	}
}
