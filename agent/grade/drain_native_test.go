//go:build native

package grade

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/wire/frame"
)

// endless is a runtime whose containers' output ends with their removal only.
type endless struct{ sandbox.Runtime }

func (r endless) Create(ctx context.Context, s sandbox.Spec) (sandbox.Container, error) {
	c, err := r.Runtime.Create(ctx, s)
	if err != nil {
		return nil, err
	}
	open, end := io.Pipe()
	return endlessBox{c, open, end}, nil
}

type endlessBox struct {
	sandbox.Container
	open io.ReadCloser
	end  io.Closer
}

func (b endlessBox) Stdio() sandbox.Stdio {
	s := b.Container.Stdio()
	s.Stdout = b.open
	return s
}

func (b endlessBox) Delete(ctx context.Context) error {
	b.end.Close()
	return b.Container.Delete(ctx)
}

// Output that does not end with its container costs the job its result, after a
// while, or at once if it is killed meanwhile.
func TestOutputDoesNotEnd(t *testing.T) {
	for status, kill := range map[string]time.Duration{"crash": time.Hour, "killed": time.Second} {
		t.Run(status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixtureOn(t, nil, func(f *sandboxtest.Fake) sandbox.Runtime { return endless{f} })
				f.grader = func(context.Context, *frame.Reader, *frame.Writer) int { return 0 }
				ctx, cancel := context.WithCancelCause(t.Context())
				timer := time.AfterFunc(kill, func() { cancel(agent.ErrKilled) })
				defer timer.Stop()
				began := time.Now()
				res := f.exec.Run(ctx, f.job("j", false), nil)
				if took := time.Since(began); res.Status != status || took != min(kill, drainTimeout) {
					t.Errorf("%s %q after %v, want %s after %v", res.Status, res.Text, took, status, min(kill, drainTimeout))
				}
				f.close()
			})
		})
	}
}
