//go:build native

package grade

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

// The memory of a student container is for others once it has gone, however long
// its job still runs.
func TestStudentsGiveMemoryBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.student = func(context.Context, *frame.Reader, *frame.Writer) int { return 7 }
		f.grader = func(ctx context.Context, in *frame.Reader, out *frame.Writer) int {
			for i := range 5 {
				if code := runStudent(in, out, &grading.RunStudent{SocketID: fmt.Sprint("p", i), MemoryLimit: 50}); code != 7 {
					t.Errorf("student %d: %d", i, code)
				}
				time.Sleep(time.Second) // in which it is removed
				if used, _ := f.exec.memory.state(); used != 90<<20 {
					t.Errorf("after student %d: %d MiB are reserved", i, used>>20)
				}
			}
			return say(out, &grading.Result{Result: []byte{0x80}})
		}
		f.exec.Run(t.Context(), f.job(false), nil)
		f.close()
	})
}

// What a grader says last is heard at once, also behind input for a student that
// reads none and takes its time to be killed.
func TestResultBehindUnreadInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(ctx context.Context, call sandboxtest.Call, s sandbox.Spec) error {
			if call == sandboxtest.Kill && role(s) == "s1" {
				time.Sleep(drainTimeout + time.Second)
			}
			return nil
		})
		f.grader = func(_ context.Context, in *frame.Reader, out *frame.Writer) int {
			say(out, &grading.RunStudent{SocketID: "p1"})
			for {
				b, err := in.Next()
				if err != nil {
					return 100
				}
				m, err := grading.Decode(b)
				started, ok := m.(*grading.RunStudentStarted)
				if err != nil || !ok {
					continue
				}
				for range 3 { // one is being written, one waits, one finds no room
					say(out, &grading.Stdin{ContainerID: started.ContainerID, Message: make([]byte, 300<<10)})
				}
				return say(out, &grading.Result{Result: wire.Raw("\x81\xa6result\xa7success")})
			}
		}
		began := time.Now()
		res := f.exec.Run(t.Context(), f.job(false), nil)
		if took := time.Since(began); res.Status != "success" || took > time.Second {
			t.Errorf("%s %q after %v", res.Status, res.Text, took)
		}
		f.close()
	})
}

// runStudent asks for a student container and waits for its end.
func runStudent(in *frame.Reader, out *frame.Writer, r *grading.RunStudent) int64 {
	say(out, r)
	for {
		b, err := in.Next()
		if err != nil {
			return -100
		}
		m, err := grading.Decode(b)
		if end, ok := m.(*grading.RunStudentRetval); ok && err == nil && end.SocketID == r.SocketID {
			return end.Retval
		}
	}
}
