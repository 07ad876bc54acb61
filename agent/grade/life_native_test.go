//go:build native

package grade

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/frame"
)

// A job that is killed in any phase has one result, at once, and then nothing of
// it is left.
func TestKilledInAnyPhase(t *testing.T) {
	type moment struct {
		call sandboxtest.Call
		role string
	}
	for name, at := range map[string]moment{
		"before it is there":          {},
		"waiting for memory":          {"wait", graderName},
		"as it is created":            {sandboxtest.Create, graderName},
		"as it starts":                {sandboxtest.Start, graderName},
		"running":                     {"run", graderName},
		"as its student is created":   {sandboxtest.Create, "s1"},
		"as its student starts":       {sandboxtest.Start, "s1"},
		"as its student runs":         {"run", "s1"},
		"as its student is cancelled": {sandboxtest.Kill, "s1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				kill := func() { cancel(agent.ErrKilled) }
				f := newFixture(t, func(_ context.Context, call sandboxtest.Call, s sandbox.Spec) error {
					if at == (moment{call, role(s)}) {
						kill()
					}
					return nil
				})
				f.grader, f.student = ask, hang
				switch at {
				case moment{}:
					kill()
				case moment{"wait", graderName}:
					f.exec.memory.take(f.exec.cfg.Memory)
					time.AfterFunc(time.Second, func() { kill(); f.exec.memory.release(f.exec.cfg.Memory) })
				case moment{"run", graderName}:
					f.grader = func(ctx context.Context, in *frame.Reader, out *frame.Writer) int { kill(); return hang(ctx, in, out) }
				case moment{"run", "s1"}:
					f.student = func(ctx context.Context, in *frame.Reader, out *frame.Writer) int { kill(); return hang(ctx, in, out) }
				case moment{sandboxtest.Kill, "s1"}:
					time.AfterFunc(time.Second, kill)
				}
				began := time.Now()
				res := f.exec.Run(ctx, f.job(false), nil)
				if late := time.Since(began); res.Status != "killed" || res.State != "before" || late > time.Second {
					t.Errorf("%s %q with state %q after %v", res.Status, res.Text, res.State, late)
				}
				f.close()
			})
		})
	}
}

// Whatever fails before the grader runs is a crash that says what the student
// may know, with a task and without.
func TestFailuresHaveResults(t *testing.T) {
	broken := errors.New("secret")
	for name, c := range map[string]struct {
		call sandboxtest.Call // that fails
		spec func(*wire.BackendNewJob)
		text string
	}{
		"environment": {"", func(j *wire.BackendNewJob) { j.Environment = "nowhere" }, "not available on this agent"},
		"parameters":  {"", func(j *wire.BackendNewJob) { j.Parameters = wire.Raw("\xc1") }, "unable to parse"},
		"memory":      {"", func(j *wire.BackendNewJob) { j.Parameters = limited(101, 30) }, "available: 100 MiB, asked for: 101 MiB"},
		"submission":  {"", func(j *wire.BackendNewJob) { j.InputData = wire.Raw("\xc1") }, "submission cannot be passed"},
		"create":      {sandboxtest.Create, nil, "Cannot create the container."},
		"start":       {sandboxtest.Start, nil, "Cannot start the container."},
	} {
		for _, taskless := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFixture(t, func(_ context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
						if call == c.call {
							return broken
						}
						return nil
					})
					job := f.job(taskless)
					if c.spec != nil {
						c.spec(job.BackendNewJob)
					}
					res := f.exec.Run(t.Context(), job, nil)
					if res.Status != "crash" || !strings.Contains(res.Text, c.text) || strings.Contains(res.Text, "secret") || res.State != "before" {
						t.Errorf("%s %q with state %q, want a crash with %q", res.Status, res.Text, res.State, c.text)
					}
					f.close()
				})
			})
		}
	}
}

// A container whose end nobody knows is a crash without a text.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.grader = func(ctx context.Context, in *frame.Reader, out *frame.Writer) int {
			succeed(ctx, in, out)
			f.fake.Lose(f.fake.Left()[0], errors.New("its shim died"))
			return 0
		}
		if res := f.exec.Run(t.Context(), f.job(false), nil); res.Status != "crash" || res.Text != "" || res.State != "before" {
			t.Errorf("got %s %q with state %q", res.Status, res.Text, res.State)
		}
		f.close()
	})
}

// The limits count from before the first instruction, however long the start
// takes, and end the job at once.
func TestWallLimitIsExact(t *testing.T) {
	for _, start := range []time.Duration{0, 10 * time.Second, 40 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, func(_ context.Context, call sandboxtest.Call, s sandbox.Spec) error {
				if call == sandboxtest.Start {
					time.Sleep(start)
				}
				return nil
			})
			f.grader = hang
			began := time.Now()
			res := f.exec.Run(t.Context(), f.job(false), nil)
			if took := time.Since(began); res.Status != "timeout" || took != max(start, 30*time.Second) {
				t.Errorf("%s after %v, with a start of %v", res.Status, took, start)
			}
			f.close()
		})
	}
}

// The result does not wait for the clean-up, which a kill does not cancel.
func TestResultBeforeCleanUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := newFixture(t, func(ctx context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
			if call != sandboxtest.Delete {
				return nil
			}
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		ctx, cancel := context.WithCancelCause(t.Context())
		res := f.exec.Run(ctx, f.job(false), nil)
		cancel(agent.ErrKilled)
		synctest.Wait()
		if res.Status != "success" || len(f.fake.Left()) != 1 {
			t.Errorf("%s %q; containers %v", res.Status, res.Text, f.fake.Left())
		}
		if used, _ := f.exec.memory.state(); used == 0 {
			t.Error("its memory is for others, while its container is there")
		}
		close(release)
		f.close()
	})
}

// A clean-up that hangs ends all the same. What has memory keeps it.
func TestCleanUpEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := true
		f := newFixture(t, func(ctx context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
			if call == sandboxtest.Delete && stuck {
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		})
		if res := f.exec.Run(t.Context(), f.job(false), nil); res.Status != "success" {
			t.Errorf("got %s %q", res.Status, res.Text)
		}
		began := time.Now()
		must(t, f.exec.Close(t.Context()))
		if took := time.Since(began); took != cleanTimeout {
			t.Errorf("gave up after %v", took)
		}
		if used, _ := f.exec.memory.state(); used == 0 || len(f.fake.Left()) != 1 {
			t.Errorf("%d bytes are reserved for %v", used, f.fake.Left())
		}
		stuck = false
		n, err := f.fake.Sweep(t.Context(), map[string]string{LabelOwner: "test"}) // as the next life does
		if n != 1 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
		must(t, f.sweep(), f.exec.cfg.Cgroups.Close())
	})
}

// What could not be removed is tried again, with what it uses, until it is gone:
// the container, or that of a student, as the runtime was away.
func TestCleanUpIsTriedAgain(t *testing.T) {
	for _, who := range []string{"grader", "s1"} {
		synctest.Test(t, func(t *testing.T) {
			var tries []time.Duration
			began := time.Now()
			f := newFixture(t, func(_ context.Context, call sandboxtest.Call, s sandbox.Spec) error {
				if call != sandboxtest.Delete || role(s) != who {
					return nil
				}
				if tries = append(tries, time.Since(began)); len(tries) < 4 {
					return errors.New("nobody answers")
				}
				return nil
			})
			f.grader = ask
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, agent.ErrKilled)
			defer cancel()
			f.exec.Run(ctx, f.job(false), nil)
			time.Sleep(time.Minute)
			if used, _ := f.exec.memory.state(); used != 0 || len(f.fake.Left()) > 0 {
				t.Errorf("%s: %d bytes are reserved, %q are left", who, used, f.fake.Left())
			}
			if n := len(tries); n < 4 || tries[n-1] > time.Second+firstRetry*7 {
				t.Errorf("%s: removed at %v", who, tries)
			}
			f.close()
		})
	}
}

// The clean-up of a job has its own time, however long that of a student took.
func TestSlowCleanUpOfAStudent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(_ context.Context, call sandboxtest.Call, s sandbox.Spec) error {
			if call == sandboxtest.Delete && role(s) == "s1" {
				time.Sleep(cleanTimeout + time.Second) // as long as it takes, whatever the caller says
			}
			return nil
		})
		f.grader = ask
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, agent.ErrKilled)
		defer cancel()
		f.exec.Run(ctx, f.job(false), nil)
		f.close()
		if strings.Contains(f.said.String(), "clean-up incomplete") {
			t.Error("it was not removed at once")
		}
	})
}

// The next job need not wait for a runtime that does not remove what has ended.
func TestMemoryOfTheDeadIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := true
		f := newFixture(t, func(_ context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
			if call == sandboxtest.Delete && stuck {
				return errors.New("nobody answers")
			}
			return nil
		})
		for _, env := range f.exec.known.Load().catalogue {
			env.kind.Runtime.SharedKernel = true
		}
		f.exec.Run(t.Context(), f.job(false), nil)
		if res := f.exec.Run(t.Context(), f.job(false), nil); res.Status != "success" {
			t.Errorf("the next one: %s %q", res.Status, res.Text)
		}
		stuck = false
		time.Sleep(time.Minute)
		f.close()
	})
}

// A bug in the runtime leaves nothing behind either. Who called makes a result
// of the panic.
func TestPanicIsCleanedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(_ context.Context, call sandboxtest.Call, s sandbox.Spec) error {
			var none []error
			if call == sandboxtest.Start {
				return none[len(s.ID)] // the bug
			}
			return nil
		})
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f.exec.Run(t.Context(), f.job(false), nil)
		}()
		f.close()
	})
}

// Environments come and go with their images, and are announced when they do.
func TestImagesAreAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		late := sandbox.Image{Ref: "late", Labels: map[string]string{labelName: "late", labelVersion: "4"}, Config: sandbox.Config{Cmd: []string{"INGInious"}}}
		for range 2 {
			f.fake.AddImage(late, f.program)
			<-f.exec.Changed()
			if n := len(f.exec.Environments()); n != 2 {
				t.Errorf("%d environments, want 2", n)
			}
			f.fake.AddImage(late, f.program)
			f.fake.AddImage(sandbox.Image{Ref: "other"}, f.program)
			synctest.Wait()
			select {
			case <-f.exec.Changed():
				t.Error("told of a change that changes nothing")
			default:
			}
			job := f.job(false)
			job.Environment = "late"
			if res := f.exec.Run(t.Context(), job, nil); res.Status != "success" {
				t.Errorf("got %s %q", res.Status, res.Text)
			}
			f.fake.RemoveImage("late")
			<-f.exec.Changed()
			if n := len(f.exec.Environments()); n != 1 {
				t.Errorf("%d environments, want 1", n)
			}
		}
		f.close()
	})
}
