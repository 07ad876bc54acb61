//go:build native

package grade

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

// undone is a runtime that fails to make the containers of one role, and to undo
// what it made.
type undone struct {
	*sandboxtest.Fake
	role string
}

func (r undone) Create(ctx context.Context, s sandbox.Spec) (sandbox.Container, error) {
	c, err := r.Fake.Create(ctx, s)
	if err == nil && role(s) == r.role {
		err = errors.New("nobody answers")
	}
	return c, err
}

// What a runtime could not undo is removed with the job, and its memory is not for
// others before.
func TestWhatIsLeftOfAContainerThatWasNotMade(t *testing.T) {
	for role, status := range map[string]string{"grader": "crash", "s1": "success"} {
		t.Run(role, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stuck := true
				f := newFixtureOn(t, func(_ context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
					if call == sandboxtest.Delete && stuck {
						return errors.New("nobody answers")
					}
					return nil
				}, func(f *sandboxtest.Fake) sandbox.Runtime { return undone{f, role} })
				f.grader = func(ctx context.Context, in *frame.Reader, out *frame.Writer) int {
					if code := runStudent(in, out, &grading.RunStudent{SocketID: "p1"}); code != retvalRefused {
						t.Errorf("the student: %d", code)
					}
					return saySuccess(out)
				}
				if res := f.exec.Run(t.Context(), f.job(false), nil); res.Status != status {
					t.Errorf("%s %q, want %s", res.Status, res.Text, status)
				}
				time.Sleep(cleanTimeout)
				synctest.Wait()
				if used, _ := f.exec.memory.state(); used == 0 {
					t.Error("the memory of what is left is free")
				}
				stuck = false
				time.Sleep(lastRetry)
				f.close()
			})
		})
	}
}
