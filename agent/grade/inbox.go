package grade

import (
	"fmt"
	"log/slog"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

// inbox takes the frames of a grading container. It belongs to the relay's
// goroutine until that has ended.
type inbox struct {
	log    *slog.Logger
	result wire.Raw // of the last result frame
}

// take takes one frame. A bad one is skipped and does not end the job
// (PROTOCOL.md 4.8).
func (in *inbox) take(frame []byte) error {
	msg, err := grading.Decode(frame)
	if err != nil {
		in.log.Warn("frame skipped", "err", err)
		return nil
	}
	if m, ok := msg.(*grading.Result); ok {
		in.result = append(in.result[:0], m.Result...)
		return nil
	}
	in.log.Debug("frame ignored", "type", fmt.Sprintf("%T", msg))
	return nil
}
