package grade

import (
	"fmt"
	"log/slog"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

// maxComplaints is how many bad frames of a container are logged.
const maxComplaints = 10

// inbox takes the frames of a grading container. It belongs to the relay's
// goroutine until that has ended.
type inbox struct {
	log     *slog.Logger
	asked   chan<- *grading.RunStudent // to the job's loop
	logins  chan<- login               // to the job's loop
	over    <-chan struct{}            // the loop has ended
	routes  *routes
	result  wire.Raw // of the last result frame
	skipped int
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
	case grading.KindRunStudentInit, grading.KindStdin, grading.KindStudentSignal:
		if to := in.routes.find(h.Container); to != nil {
			_ = to.Forward(frame) // a student container that has ended needs nothing
		}
		return nil
	}
	msg, err := grading.Decode(frame)
	if err != nil {
		in.skip(err)
		return nil
	}
	switch m := msg.(type) {
	case *grading.Result:
		in.result = append(in.result[:0], m.Result...)
	case *grading.RunStudent:
		select {
		case in.asked <- m:
		case <-in.over:
		}
	case *grading.SSHDebug, *grading.SSHKey, *grading.SSHStudent:
		select {
		case in.logins <- loginOf(m):
		case <-in.over:
		}
	default:
		in.skip(fmt.Errorf("nothing to do for %T", msg))
	}
	return nil
}

// skip tells of a frame that was not used. A container can write millions.
func (in *inbox) skip(err error) {
	if in.skipped++; in.skipped <= maxComplaints {
		in.log.Warn("frame skipped", "err", err, "count", in.skipped)
	}
}
