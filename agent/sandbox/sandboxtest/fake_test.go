package sandboxtest

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// A program that sleeps costs no time in a bubble, and the kill of a sleeping
// one is an exit at that moment.
func TestFakeInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFake()
		f.AddImage(sandbox.Image{Ref: "sleeper"}, func(ctx context.Context, _ io.Reader, _, _ io.Writer, _ *specs.Spec) int {
			select {
			case <-time.After(time.Hour):
				return 0
			case <-ctx.Done():
				return 1
			}
		})
		began := time.Now()
		lazy := started(t, f, "lazy")
		killed := started(t, f, "killed")

		time.Sleep(time.Minute)
		if err := killed.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e := <-killed.Exited(); e.Code != killedCode || e.At.Sub(began) != time.Minute {
			t.Errorf("killed: code %d after %v", e.Code, e.At.Sub(began))
		}
		if e := <-lazy.Exited(); e.Code != 0 || e.At.Sub(began) != time.Hour {
			t.Errorf("lazy: code %d after %v", e.Code, e.At.Sub(began))
		}
		if n, err := f.Sweep(t.Context(), map[string]string{"test": "bubble"}); n != 2 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

func started(t *testing.T, f *Fake, id string) sandbox.Container {
	c, err := f.Create(t.Context(), sandbox.Spec{
		ID: id, Image: "sleeper", OCI: probeSpec("unused"), Labels: map[string]string{"test": "bubble"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFakeImages(t *testing.T) {
	f := NewFake()
	f.AddImage(sandbox.Image{Ref: "old", Created: time.Unix(1, 0), Labels: map[string]string{"l": ""}}, Probe)
	f.AddImage(sandbox.Image{Ref: "new", Created: time.Unix(2, 0), Labels: map[string]string{"l": ""}}, Probe)
	f.AddImage(sandbox.Image{Ref: "other"}, Probe)
	images, err := f.Images(t.Context(), "l")
	if err != nil {
		t.Fatal(err)
	}
	if len(images) != 2 || images[0].Ref != "new" {
		t.Errorf("images %+v, want new and old", images)
	}
	<-f.Changes() // all additions are one signal
	f.RemoveImage("new")
	<-f.Changes()
	if images, _ = f.Images(t.Context(), "l"); !slices.Equal(refs(images), []string{"old"}) {
		t.Errorf("images %q, want old", refs(images))
	}
}

// Each call can be made to fail, and then does nothing.
func TestFakeBefore(t *testing.T) {
	f := probeFake()
	var refused Call
	f.Before = func(_ context.Context, call Call, _ sandbox.Spec) error {
		if call == refused {
			return sandbox.ErrUnavailable
		}
		return nil
	}
	spec := sandbox.Spec{ID: "c", Image: "probe:latest", OCI: probeSpec("hang")}
	refused = Create
	if _, err := f.Create(t.Context(), spec); !errors.Is(err, sandbox.ErrUnavailable) || len(f.Left()) > 0 {
		t.Errorf("create: %v", err)
	}
	refused = Start
	c, err := f.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("start: %v", err)
	}
	refused = Kill
	if err := errors.Join(c.Start(t.Context()), c.Kill(t.Context())); !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("kill: %v", err)
	}
	refused = Delete
	if err := c.Delete(t.Context()); !errors.Is(err, sandbox.ErrUnavailable) || len(f.Left()) != 1 {
		t.Errorf("delete: %v", err)
	}
	refused = ""
	f.Lose(spec.ID, sandbox.ErrUnavailable)
	if exit := <-c.Exited(); !errors.Is(exit.Err, sandbox.ErrUnavailable) {
		t.Errorf("lost: %+v", exit)
	}
	if err := c.Delete(t.Context()); err != nil {
		t.Error(err)
	}
}
