package ctrd

import (
	"context"
	"fmt"
	"strings"
	"time"

	apievents "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/typeurl/v2"
)

// resubscribePause is between a subscription's end and the next. That waits for
// the connection by itself; the pause is for a daemon that refuses.
const resubscribePause = 500 * time.Millisecond

// watchEvents follows containerd's events for as long as the runtime lives.
// They are hints: each subscription begins with a look at everything, as nobody
// knows what was missed before it.
func (r *Runtime) watchEvents() {
	ours := fmt.Sprintf("namespace==%q", r.cfg.Namespace)
	for lost := false; ; lost = true {
		ctx, cancel := context.WithCancelCause(r.ctx)
		stream, errs := r.client.Subscribe(ctx, ours+`,topic~="^/images/"`, ours+`,topic=="/tasks/exit"`)
		r.imagesChanged()
		r.hintAll()
		if lost && r.answers(ctx) {
			r.cfg.Log.Info("containerd answers again")
		}
		err := r.follow(stream, errs)
		cancel(err)
		if r.ctx.Err() != nil {
			return
		}
		r.cfg.Log.Warn("containerd is lost: jobs wait until it answers again", "address", r.cfg.Address, "error", err)
		if !pause(r.ctx, resubscribePause) {
			return
		}
	}
}

// answers reports whether containerd does, as soon as there is one.
func (r *Runtime) answers(ctx context.Context) bool {
	_, err := r.client.Version(ctx)
	return err == nil
}

// follow acts on events until the stream fails.
func (r *Runtime) follow(stream <-chan *events.Envelope, errs <-chan error) error {
	for {
		select {
		case e := <-stream:
			if strings.HasPrefix(e.Topic, "/images/") {
				r.imagesChanged()
			} else {
				r.taskExited(e)
			}
		case err := <-errs:
			return toNative(err)
		}
	}
}

func (r *Runtime) imagesChanged() {
	select {
	case r.changes <- struct{}{}:
	default: // one is waiting to be read
	}
}

func (r *Runtime) taskExited(e *events.Envelope) {
	var exit apievents.TaskExit
	if err := typeurl.UnmarshalTo(e.Event, &exit); err != nil {
		r.cfg.Log.Warn("unreadable event", "topic", e.Topic, "error", err)
		return
	}
	if c := r.find(exit.ContainerID); c != nil && exit.ID == exit.ContainerID { // not of an exec
		c.hint()
	}
}
