package grade

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

var (
	errNoResult    = errors.New("a result frame without a result")
	errLongRelayed = errors.New("a frame for a student container that is longer than those may be")
)

// maxComplaints is how many bad frames of a container are logged.
const maxComplaints = 10

// inbox takes the frames of a grading container. It belongs to the relay's
// goroutine.
type inbox struct {
	log     *slog.Logger
	asked   chan<- *grading.RunStudent // to the job's loop
	unclear chan<- string              // sockets of requests that nobody understands, to the job's loop
	logins  chan<- login               // to the job's loop
	over    <-chan struct{}            // the loop has ended
	routes  *routes
	skipped int

	mu     sync.Mutex
	result wire.Raw // of the last result frame; nil: there was none
}

// last hands over the result of the last frame that had one, when the output has been
// read to its end, or is not waited for any more.
func (in *inbox) last() wire.Raw {
	in.mu.Lock()
	defer in.mu.Unlock()
	result := in.result
	in.result = nil
	return result
}

func (in *inbox) keep(result wire.Raw) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.result = append(in.result[:0], result...)
}

// take takes one frame. A bad one is skipped and does not end the job
// (PROTOCOL.md 4.8).
func (in *inbox) take(frame []byte) error {
	h, err := grading.Peek(frame)
	if err != nil {
		in.skip(err)
		return nil
	}
	switch h.Kind {
	case grading.KindRunStudentInit, grading.KindStdin, grading.KindStudentSignal, grading.KindTaken:
		in.forward(h, frame)
		return nil
	}
	msg, err := grading.Decode(frame)
	if err != nil {
		in.skip(err)
		if h.Kind == grading.KindRunStudent && isSocket(string(h.Socket)) { // somebody waits for an answer
			hand(in, in.unclear, string(h.Socket))
		}
		return nil
	}
	switch m := msg.(type) {
	case *grading.Result:
		if m.Result == nil {
			in.skip(errNoResult)
			return nil
		}
		in.keep(m.Result)
	case *grading.RunStudent:
		if !isSocket(m.SocketID) {
			in.skip(errSocket)
			return nil
		}
		hand(in, in.asked, m)
	case *grading.SSHDebug, *grading.SSHKey, *grading.SSHStudent:
		hand(in, in.logins, loginOf(m))
	default:
		in.skip(fmt.Errorf("nothing to do for %T", msg))
	}
	return nil
}

// forward hands a frame to the student container that it is for. One that has
// ended needs nothing. A longer frame than it would read itself is not kept for it.
func (in *inbox) forward(h grading.Header, frame []byte) {
	if len(frame) > maxRelayed {
		in.skip(errLongRelayed)
		return
	}
	if h.Kind == grading.KindTaken {
		in.routes.flow.Store(true)
	}
	if to := in.routes.find(h.Container); to != nil {
		_ = to.Forward(frame)
	}
}

// hand gives something to the job's loop, unless that has ended.
func hand[T any](in *inbox, to chan<- T, what T) {
	select {
	case to <- what:
	case <-in.over:
	}
}

// isSocket reports whether a socket may be called so: the name of a file less
// its ".sock" (PROTOCOL.md 4.10). It is kept, logged and sent back.
func isSocket(id string) bool {
	return id != "" && len(id) <= 250 && !strings.ContainsAny(id, "/\x00")
}

// skip tells of a frame that was not used. A container can write millions.
func (in *inbox) skip(err error) {
	if in.skipped++; in.skipped <= maxComplaints {
		in.log.Warn("frame skipped", "err", err, "count", in.skipped)
	}
}
