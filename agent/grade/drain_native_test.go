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
	"github.com/ingot-grading/ingot/wire/grading"
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
	s.Stdout = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(s.Stdout, b.open), b.open}
	return s
}

func (b endlessBox) Delete(ctx context.Context) error {
	b.end.Close()
	return b.Container.Delete(ctx)
}

// Output that does not end with its container is waited for, for a while: what came
// of it counts. Whoever kills the job does not wait.
func TestOutputDoesNotEnd(t *testing.T) {
	end := func(context.Context, *frame.Reader, *frame.Writer) int { return 0 }
	for name, c := range map[string]struct {
		grader script
		kill   time.Duration
		status string
		after  time.Duration
	}{
		"never":               {end, time.Hour, "crash", drainTimeout},
		"after a result":      {succeed, time.Hour, "success", drainTimeout},
		"killed meanwhile":    {end, time.Second, "killed", time.Second},
		"killed while it ran": {hang, time.Second, "killed", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixtureOn(t, nil, func(f *sandboxtest.Fake) sandbox.Runtime { return endless{f} })
				f.grader = c.grader
				ctx, cancel := context.WithCancelCause(t.Context())
				timer := time.AfterFunc(c.kill, func() { cancel(agent.ErrKilled) })
				defer timer.Stop()
				began := time.Now()
				res := f.exec.Run(ctx, f.job(false), nil)
				if took := time.Since(began); res.Status != c.status || took != c.after {
					t.Errorf("%s %q after %v, want %s after %v", res.Status, res.Text, took, c.status, c.after)
				}
				f.close()
			})
		})
	}
}

// A student container that is lost is answered for although its output does not end.
func TestLostStudent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, nil, func(f *sandboxtest.Fake) sandbox.Runtime { return endless{f} })
		f.grader = func(ctx context.Context, in *frame.Reader, out *frame.Writer) int {
			began := time.Now()
			if code, took := runStudent(in, out, &grading.RunStudent{SocketID: "p1"}), time.Since(began); code != retvalLost || took > 2*drainTimeout {
				t.Errorf("exit %d after %v", code, took)
			}
			return saySuccess(out)
		}
		go func() {
			time.Sleep(time.Second)
			for _, id := range f.fake.Left() {
				if role(sandbox.Spec{ID: id}) == "s1" {
					f.fake.Lose(id, errNoExit)
				}
			}
		}()
		if res := f.exec.Run(t.Context(), f.job(false), nil); res.Status != "success" {
			t.Errorf("%s %q", res.Status, res.Text)
		}
		f.close()
	})
}
