//go:build native

package ctrd

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// Containers go on without their image, whether they run already or are still to
// be started, and are removed as ever.
func TestImageRemovedUnderContainers(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	var all []sandbox.Container
	for name, h := range handlers {
		for _, id := range []string{"running-" + name, "waiting-" + name} {
			c, err := r.Create(t.Context(), sandbox.Spec{
				ID: id, Image: probeImage, Handler: h, OCI: bareSpec("/usr/bin/sh", "-c", "read line; exec cat "+probeFile),
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context())) }) // for a test that failed
			all = append(all, c)
		}
	}
	must(t, all[0].Start(t.Context()))
	must(t, all[2].Start(t.Context()))
	must(t, r.Remove(t.Context(), probeImage)) // and with it all that nothing refers to
	for i, c := range all {
		if i%2 == 1 {
			must(t, c.Start(t.Context()))
		}
		_, err := io.WriteString(c.Stdio().Stdin, "go on\n")
		must(t, err)
		got, err := io.ReadAll(c.Stdio().Stdout)
		if string(got) != "from the image" || err != nil {
			t.Errorf("%s reads %q, %v", c.ID(), got, err)
		}
		must(t, c.Delete(t.Context()))
	}
	withImage(t, r) // whose removal frees what they held
}

// A container whose image is removed while it is made is whole, or there is none
// for want of the image.
func TestImageRemovedDuringCreate(t *testing.T) {
	var last string // the step after which it is removed
	var remove func() error
	cfg := config(t)
	cfg.Observe = func(step string, _ time.Duration) {
		if step == last {
			last = ""
			must(t, remove())
		}
	}
	r := connect(t, cfg)
	remove = func() error { return r.Remove(t.Context(), probeImage) }
	for step, want := range map[string]error{
		"resolve image": sandbox.ErrNoImage, "create record": sandbox.ErrNoImage, "prepare snapshot": nil, "create task": nil,
	} {
		withImage(t, r)
		last = step
		c, err := r.Create(t.Context(), sandbox.Spec{ID: "late", Image: probeImage, OCI: probeSpec("read", probeFile)})
		if !errors.Is(err, want) || last != "" {
			t.Errorf("gone after %s: %v, want %v", step, err, want)
		}
		if err != nil {
			continue
		}
		err = c.Start(t.Context())
		got, e := io.ReadAll(c.Stdio().Stdout)
		if string(got) != "from the image" || err != nil || e != nil {
			t.Errorf("gone after %s: it reads %q, %v, %v", step, got, err, e)
		}
		must(t, c.Delete(t.Context()))
	}
	withImage(t, r) // whose removal frees what they held
}
