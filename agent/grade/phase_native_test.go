//go:build native

package grade

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/frame"
)

// Every job goes through its phases one by one, and to the last.
func TestPhasesOfALife(t *testing.T) {
	broken := errors.New("broken")
	for want, c := range map[string]struct {
		env    string
		call   sandboxtest.Call // that fails
		killed bool             // before it waits
	}{
		"waiting preparing running draining reported cleaning gone": {env: "demo"},
		"waiting preparing reported cleaning gone":                  {env: "demo", call: sandboxtest.Start},
		"waiting reported cleaning gone":                            {env: "demo", killed: true},
		"reported cleaning gone":                                    {env: "nowhere"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, func(_ context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
				if call == c.call {
					return broken
				}
				return nil
			})
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if c.killed {
				f.exec.memory.take(f.exec.cfg.Memory)
				cancel(agent.ErrKilled)
			}
			job := f.job(false)
			job.Environment = c.env
			f.exec.Run(ctx, job, nil)
			if c.killed {
				f.exec.memory.release(f.exec.cfg.Memory)
			}
			f.close()
			var got []string
			for _, m := range regexp.MustCompile(` to=(\w+) `).FindAllStringSubmatch(f.said.String(), -1) {
				got = append(got, m[1])
			}
			if strings.Join(got, " ") != want || strings.Contains(f.said.String(), "phase refused") {
				t.Errorf("went to %q, want %s", got, want)
			}
		})
	}
}

// A container that does not end when it is killed is given up, and its job has a
// result.
func TestKillDoesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		kill, after time.Duration
		status      string
	}{
		"by the client": {time.Second, time.Second + exitTimeout, "killed"},
		"by a limit":    {time.Hour, 30*time.Second + exitTimeout, "timeout"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, func(_ context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
				if call == sandboxtest.Kill {
					return errors.New("it does not hear")
				}
				return nil
			})
			f.grader = hang
			ctx, cancel := context.WithCancelCause(t.Context())
			defer time.AfterFunc(c.kill, func() { cancel(agent.ErrKilled) }).Stop()
			began := time.Now()
			res := f.exec.Run(ctx, f.job(false), nil)
			if took := time.Since(began); res.Status != c.status || took != c.after {
				t.Errorf("%s: %s %q after %v, want %s after %v", name, res.Status, res.Text, took, c.status, c.after)
			}
			f.close()
		})
	}
}

// A kill wins over a limit that is being enforced when it comes (PROTOCOL.md 4.9).
func TestKillWhileALimitIsEnforced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(_ context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
			if call == sandboxtest.Kill {
				time.Sleep(time.Second) // the runtime takes its time
			}
			return nil
		})
		f.grader = hang
		ctx, cancel := context.WithCancelCause(t.Context())
		defer time.AfterFunc(30*time.Second+500*time.Millisecond, func() { cancel(agent.ErrKilled) }).Stop()
		if res := f.exec.Run(ctx, f.job(false), nil); res.Status != "killed" || res.State != "before" {
			t.Errorf("got %s %q with state %q", res.Status, res.Text, res.State)
		}
		f.close()
	})
}

// A job that is stopped while it waits for students tells what those have used.
func TestUsageOfStudentsThatRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.grader = func(ctx context.Context, in *frame.Reader, out *frame.Writer) int {
			time.Sleep(time.Second) // or their limits are reached at once
			return ask(ctx, in, out)
		}
		job := f.job(false)
		job.InputData = append(msgp.AppendString(wire.Raw{0x81}, wire.UsageKey), 0xc3)
		res := f.exec.Run(t.Context(), job, nil)
		used, _, err := wire.UsageOf(res.Custom)
		must(t, err)
		if n := len(used.Containers); res.Status != "timeout" || n != 2 || used.Containers[0].End != wire.EndTimeout || used.Containers[1].Name != "s1" || used.Containers[1].End != wire.EndRunning {
			t.Errorf("%s, used %+v", res.Status, used)
		}
		f.close()
	})
}

// listless is a runtime that fails to list its images when it is told to.
type listless struct {
	sandbox.Runtime
	fails atomic.Bool
}

func (r *listless) Images(ctx context.Context, label string) ([]sandbox.Image, error) {
	if r.fails.Load() {
		return nil, sandbox.ErrUnavailable
	}
	return r.Runtime.Images(ctx, label)
}

// An image is offered although nobody could be asked when it came.
func TestImagesAreListedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *listless
		f := newFixtureOn(t, nil, func(f *sandboxtest.Fake) sandbox.Runtime {
			r = &listless{Runtime: f}
			return r
		})
		r.fails.Store(true)
		f.fake.AddImage(image("later", 0, labelName, "later", labelVersion, "4"), f.program)
		synctest.Wait()
		if n := len(f.exec.Environments()); n != 1 {
			t.Errorf("%d environments while nobody answers", n)
		}
		r.fails.Store(false)
		time.Sleep(relist)
		synctest.Wait()
		if n := len(f.exec.Environments()); n != 2 {
			t.Errorf("%d environments, want the new one too", n)
		}
		f.close()
	})
}

// A new life removes the containers of its earlier ones, and nobody else's.
func TestLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureOn(t, nil, func(f *sandboxtest.Fake) sandbox.Runtime {
			for id, labels := range map[string]map[string]string{
				"ours": {LabelOwner: "test"}, "ours-too": {LabelOwner: "test", "more": "labels"},
				"theirs": {LabelOwner: "test2"}, "nobodys": {"owner": "test"},
			} {
				_, err := f.Create(t.Context(), sandbox.Spec{ID: id, Image: "demo", Labels: labels, OCI: &specs.Spec{Process: &specs.Process{Args: []string{"x"}}}})
				must(t, err)
			}
			return f
		})
		if left := f.fake.Left(); !slices.Equal(left, []string{"nobodys", "theirs"}) {
			t.Errorf("left: %q", left)
		}
		for _, owner := range []map[string]string{{LabelOwner: "test2"}, {"owner": "test"}} {
			_, err := f.fake.Sweep(t.Context(), owner)
			must(t, err)
		}
		f.close()
	})
}
