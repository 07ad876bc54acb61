package sandboxtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// Harness is a runtime under test and what the suite must know of it.
type Harness struct {
	Runtime sandbox.Runtime
	Image   string          // Ref of an image whose containers can run Spec's processes
	Label   string          // a label that this image carries
	Handler sandbox.Handler // for every container of the suite
	// Spec returns a fresh specification of a container that runs [Probe] with args.
	Spec func(args ...string) *specs.Spec
	// Forgotten is the exit code that the runtime tells where it was too late to
	// learn the true one; 0: it never is.
	Forgotten uint32
	// Left lists whatever the runtime holds for containers: records, tasks,
	// snapshots, FIFOs. The suite wants it empty after each test.
	Left func(ctx context.Context) []string
}

// patience bounds each test: an emulated machine is slow, a hang is for ever.
const patience = 2 * time.Minute

var errPatience = errors.New("the suite's patience ended")

// Suite tests everything that [sandbox.Runtime] promises. It calls fresh once
// per test; a test ends with nothing left. It must not run in parallel with
// others that use the same runtime.
func Suite(t *testing.T, fresh func(t *testing.T) Harness) {
	for _, tt := range []struct {
		name string
		run  func(*fixture)
	}{
		{"exit codes", testExitCodes},
		{"exit is told once", testExitOnce},
		{"outputs are apart and complete", testOutputs},
		{"output outlives the process", testLateOutput},
		{"stdin ends when it is closed", testStdin},
		{"stdin closed before the start", testEarlyStdinEnd},
		{"kill while running", testKill},
		{"kill before the start", testKillBeforeStart},
		{"kill after the exit", testKillAfterExit},
		{"start once", testStartOnce},
		{"delete before the start", testDeleteBeforeStart},
		{"delete while running", testDeleteRunning},
		{"delete with output unread", testDeleteUnread},
		{"delete with input unread", testDeleteUnfed},
		{"refusals by class", testRefusals},
		{"an ID is used once", testDuplicate},
		{"create cancelled", testCreateCancelled},
		{"sweep by labels", testSweep},
		{"many at once", testMany},
		{"images by label", testImages},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, stop := context.WithTimeoutCause(t.Context(), patience, errPatience)
			defer stop()
			f := &fixture{T: t, Harness: fresh(t), ctx: ctx}
			tt.run(f)
			if left := f.Left(ctx); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// fixture is one test of the suite.
type fixture struct {
	*testing.T
	Harness
	ctx context.Context // the test's own
	n   int
}

// spec is a container of its own ID that runs a probe.
func (f *fixture) spec(args ...string) sandbox.Spec {
	f.n++
	return sandbox.Spec{
		ID:      fmt.Sprintf("suite-%d.%d", time.Now().UnixNano(), f.n),
		Image:   f.Image,
		Handler: f.Handler,
		OCI:     f.Spec(args...),
		Labels:  map[string]string{"suite": "yes", "number": fmt.Sprint(f.n)},
	}
}

// create makes a container that runs a probe, and deletes it at the test's end
// if the test failed before it did.
func (f *fixture) create(args ...string) sandbox.Container {
	f.Helper()
	s := f.spec(args...)
	c, err := f.Runtime.Create(f.ctx, s)
	f.must(err)
	if c.ID() != s.ID {
		f.Errorf("container is called %q, want %q", c.ID(), s.ID)
	}
	f.Cleanup(func() {
		if f.Failed() {
			_ = c.Delete(context.WithoutCancel(f.ctx)) // the failure is told already
		}
	})
	return c
}

func (f *fixture) start(args ...string) sandbox.Container {
	f.Helper()
	c := f.create(args...)
	f.must(c.Start(f.ctx))
	return c
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// exit waits for the container's one exit.
func (f *fixture) exit(c sandbox.Container) sandbox.Exit {
	f.Helper()
	select {
	case e, ok := <-c.Exited():
		if !ok {
			f.Fatal("Exited is closed without an exit")
		}
		f.must(e.Err)
		return e
	case <-f.ctx.Done():
		f.Fatal(context.Cause(f.ctx))
	}
	return sandbox.Exit{}
}

// wantExit waits for the exit and compares its code.
func (f *fixture) wantExit(c sandbox.Container, code uint32) {
	f.Helper()
	if e := f.exit(c); !f.isCode(e, code) {
		f.Errorf("exit code %d, want %d", e.Code, code)
	}
}

// isCode reports whether an exit has a code, or one that the runtime has forgotten.
func (f *fixture) isCode(e sandbox.Exit, code uint32) bool {
	return e.Code == code || f.Forgotten != 0 && e.Code == f.Forgotten
}

// wantClosed waits until Exited is closed and wants no exit.
func (f *fixture) wantClosed(c sandbox.Container) {
	f.Helper()
	select {
	case e, ok := <-c.Exited():
		if ok {
			f.Errorf("told an exit that is not there: %+v", e)
		}
	case <-f.ctx.Done():
		f.Fatal(context.Cause(f.ctx))
	}
}

// output reads both outputs to their ends.
func (f *fixture) output(c sandbox.Container) (stdout, stderr []byte) {
	f.Helper()
	streams := c.Stdio()
	done := make(chan error, 1)
	go func() {
		var err error
		stderr, err = io.ReadAll(streams.Stderr)
		done <- err
	}()
	stdout, err := io.ReadAll(streams.Stdout)
	f.must(errors.Join(err, <-done))
	return stdout, stderr
}

// wantOutput reads both outputs and compares them.
func (f *fixture) wantOutput(c sandbox.Container, stdout, stderr string) {
	f.Helper()
	out, err := f.output(c)
	if string(out) != stdout || string(err) != stderr {
		f.Errorf("outputs %q and %q, want %q and %q", out, err, stdout, stderr)
	}
}

// wantFlood reads both outputs and counts them.
func (f *fixture) wantFlood(c sandbox.Container, stdout, stderr int) {
	f.Helper()
	out, err := f.output(c)
	f.wantBytes("stdout", out, stdout)
	f.wantBytes("stderr", err, stderr)
}

func (f *fixture) wantBytes(name string, got []byte, want int) {
	f.Helper()
	if len(got) != want || bytes.Count(got, []byte{probeByte}) != want {
		f.Errorf("%s has %d bytes, %d of them right; want %d", name, len(got), bytes.Count(got, []byte{probeByte}), want)
	}
}

// wantClass wants an error of a class.
func (f *fixture) wantClass(err, class error) {
	f.Helper()
	if !errors.Is(err, class) {
		f.Errorf("error %v, want one of class %q", err, class)
	}
}

// refs lists the Refs of images.
func refs(images []sandbox.Image) []string {
	var names []string
	for _, i := range images {
		names = append(names, i.Ref)
	}
	return slices.Sorted(slices.Values(names))
}
