package grade

import (
	"sync"
	"sync/atomic"

	"github.com/ingot-grading/ingot/agent/relay"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

// routes finds the relays of student containers that share no kernel with the
// grading one (PROTOCOL.md 5.7). Students add and remove themselves; the inbox
// of the grading container looks them up.
type routes struct {
	mu     sync.Mutex
	relays map[string]*relay.Relay // by container id
	flow   atomic.Bool             // the grading container takes part in flow control
}

func (r *routes) add(container string, to *relay.Relay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.relays == nil {
		r.relays = map[string]*relay.Relay{}
	}
	r.relays[container] = to
}

func (r *routes) remove(container string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.relays, container)
}

// hangUp hangs up on all.
func (r *routes) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, to := range r.relays {
		to.HangUp()
	}
}

// find is nil for a container that is not there.
func (r *routes) find(container []byte) *relay.Relay {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.relays[string(container)]
}

// maxRelayed is the largest frame, in bytes, that a student container may send or
// get. Those of INGInious' images have half a megabyte.
const maxRelayed = 4 << 20

// relayLimits are what the main process of a grading container demands of every
// frame: one that breaks them would end it.
var relayLimits = wire.Limits{TextKeys: true}

// passes reports whether a frame of a student container may go to the run_student
// of that socket: it is output, or, where flow is controlled, how much of its input
// was taken. A student container may say nothing else.
func passes(frame []byte, socket string, flow bool) bool {
	h, err := grading.Peek(frame)
	switch {
	case err != nil:
		return false
	case h.Kind == grading.KindStdout, h.Kind == grading.KindStderr:
	case h.Kind == grading.KindTaken && flow:
	default:
		return false
	}
	return string(h.Socket) == socket && relayLimits.Check(frame) == nil
}
