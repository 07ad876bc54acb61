package sandboxtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

func testRefusals(f *fixture) {
	for _, tt := range []struct {
		name  string
		spoil func(*sandbox.Spec)
		class error
	}{
		{"unknown image", func(s *sandbox.Spec) { s.Image = "no.such/image:tag" }, sandbox.ErrNoImage},
		{"image that was exchanged", func(s *sandbox.Spec) { s.ImageID = "sha256:" + strings.Repeat("0", 64) }, sandbox.ErrNoImage},
		{"unknown runtime", func(s *sandbox.Spec) { s.Handler = sandbox.Handler{Name: "io.containerd.nosuch.v1"} }, sandbox.ErrNoRuntime},
		{"unknown binary", func(s *sandbox.Spec) { s.Handler = sandbox.Handler{Binary: "no-such-runtime"} }, sandbox.ErrNoRuntime},
		{"unknown device", func(s *sandbox.Spec) { s.Devices = []string{"no.such/device=all"} }, sandbox.ErrNoDevice},
		{"bad device", func(s *sandbox.Spec) { s.Devices = []string{"/dev/null"} }, sandbox.ErrNoDevice},
		{"empty ID", func(s *sandbox.Spec) { s.ID = "" }, sandbox.ErrBadRequest},
		{"ID that is a path", func(s *sandbox.Spec) { s.ID = "../up" }, sandbox.ErrBadRequest},
		{"long ID", func(s *sandbox.Spec) { s.ID = strings.Repeat("x", maxID+1) }, sandbox.ErrBadRequest},
		{"no specification", func(s *sandbox.Spec) { s.OCI = nil }, sandbox.ErrBadRequest},
		{"no process", func(s *sandbox.Spec) { s.OCI.Process = nil }, sandbox.ErrBadRequest},
		{"no arguments", func(s *sandbox.Spec) { s.OCI.Process.Args = nil }, sandbox.ErrBadRequest},
	} {
		s := f.spec("exit", "0")
		tt.spoil(&s)
		c, err := f.Runtime.Create(f.ctx, s)
		if err == nil {
			f.Errorf("%s: created", tt.name)
			f.must(c.Delete(f.ctx))
			continue
		}
		if !errors.Is(err, tt.class) {
			f.Errorf("%s: error %v, want one of class %q", tt.name, err, tt.class)
		}
		if left := f.Left(f.ctx); len(left) > 0 {
			f.Errorf("%s: left %q", tt.name, left)
		}
	}
}

// A second container of an ID is refused, and the first takes no harm.
func testDuplicate(f *fixture) {
	s := f.spec("exit", "5")
	c, err := f.Runtime.Create(f.ctx, s)
	f.must(err)
	_, err = f.Runtime.Create(f.ctx, s)
	f.wantClass(err, sandbox.ErrBadRequest)
	f.must(c.Start(f.ctx))
	f.wantExit(c, 5)
	f.must(c.Delete(f.ctx))

	c, err = f.Runtime.Create(f.ctx, s) // free again
	f.must(err)
	f.must(c.Delete(f.ctx))
}

// However far Create had come when its context ended, it leaves nothing.
func testCreateCancelled(f *fixture) {
	began := time.Now()
	c := f.create("exit", "0")
	whole := time.Since(began)
	f.must(c.Delete(f.ctx))

	enough := errors.New("cancelled by the test")
	const steps = 6
	for i := range time.Duration(steps) {
		ctx, stop := context.WithTimeoutCause(f.ctx, whole*i/steps, enough)
		c, err := f.Runtime.Create(ctx, f.spec("exit", "0"))
		stop()
		switch {
		case err == nil:
			f.must(c.Delete(f.ctx)) // it was faster this time
		case !errors.Is(err, enough):
			f.Errorf("error %v, want the context's cause", err)
		}
		if left := f.Left(f.ctx); len(left) > 0 {
			f.Errorf("after %d/%d of a Create: left %q", i, steps, left)
		}
	}
}

func testSweep(f *fixture) {
	const odd = `quotes " and , commas`
	stale := map[string]string{"owner": odd, "run": "1"}
	label := func(s sandbox.Spec, labels map[string]string) sandbox.Container {
		s.Labels = labels
		c, err := f.Runtime.Create(f.ctx, s)
		f.must(err)
		return c
	}
	idle := label(f.spec("exit", "0"), stale)
	running := label(f.spec("hang"), map[string]string{"owner": odd, "run": "1", "more": "x"})
	f.must(running.Start(f.ctx))
	ended := label(f.spec("exit", "0"), stale)
	f.must(ended.Start(f.ctx))
	f.wantExit(ended, 0)
	other := label(f.spec("hang"), map[string]string{"owner": odd, "run": "2"})
	f.must(other.Start(f.ctx))

	if _, err := f.Runtime.Sweep(f.ctx, nil); err == nil {
		f.Error("a sweep of everything was not refused")
	}
	n, err := f.Runtime.Sweep(f.ctx, stale)
	f.must(err)
	if n != 3 {
		f.Errorf("swept %d containers, want 3", n)
	}
	f.wantExit(running, killedCode)
	n, err = f.Runtime.Sweep(f.ctx, stale)
	f.must(err)
	if n != 0 {
		f.Errorf("swept %d containers again, want 0", n)
	}
	for _, c := range []sandbox.Container{idle, running, ended} { // their owner need not know
		f.must(c.Delete(f.ctx))
	}
	f.must(other.Kill(f.ctx))
	f.wantExit(other, killedCode)
	f.must(other.Delete(f.ctx))
}

func testImages(f *fixture) {
	found, err := f.Runtime.Images(f.ctx, f.Label)
	f.must(err)
	i := -1
	for n, img := range found {
		if img.Ref == f.Image {
			i = n
		}
		if _, ok := img.Labels[f.Label]; !ok {
			f.Errorf("%s does not carry label %s: %v", img.Ref, f.Label, img.Labels)
		}
	}
	if i < 0 {
		f.Fatalf("image %s is not among %q", f.Image, refs(found))
	}
	if !strings.HasPrefix(found[i].ID, "sha256:") {
		f.Errorf("image has ID %q, want a digest", found[i].ID)
	}
	s := f.spec("exit", "0")
	s.ImageID = found[i].ID
	c, err := f.Runtime.Create(f.ctx, s)
	f.must(err)
	f.must(c.Delete(f.ctx))
	none, err := f.Runtime.Images(f.ctx, "label.that.no.image/carries")
	f.must(err)
	if len(none) > 0 {
		f.Errorf("images without the label were listed: %q", refs(none))
	}
	all, err := f.Runtime.Images(f.ctx, "")
	f.must(err)
	if !slices.Contains(refs(all), f.Image) {
		f.Errorf("image %s is not among all images %q", f.Image, refs(all))
	}
}
