//go:build native

package ctrd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// Many short containers leave no goroutine and no descriptor in this process.
func TestSoak(t *testing.T) {
	const lives, workers = 60, 6
	goroutines := goleak.IgnoreCurrent()
	before := descriptors(t)
	cfg := config(t)
	r, err := Connect(t.Context(), cfg)
	must(t, err)
	_, err = r.Import(t.Context(), imageArchive(t, probeImage, time.Now()))
	must(t, err)

	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range lives / workers {
				if err := shortLife(t.Context(), r, fmt.Sprintf("soak-%d-%d", w, i), i%3); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if found := left(t.Context(), r); len(found) > 0 {
		t.Errorf("left behind: %q", found)
	}
	must(t, errors.Join(clearNamespace(t.Context(), r), r.Close()))
	goleak.VerifyNone(t, goroutines)
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

// shortLife runs one container: to its end, killed, or never started.
func shortLife(ctx context.Context, r *Runtime, id string, kind int) error {
	args := []string{"/usr/bin/true"}
	if kind == 1 {
		args = []string{"/usr/bin/sleep", "1000"}
	}
	c, err := r.Create(ctx, sandbox.Spec{ID: id, Image: probeImage, Handler: handlers["crun"], OCI: bareSpec(args...)})
	if err != nil {
		return err
	}
	if kind < 2 {
		err = c.Start(ctx)
	}
	if kind == 0 && err == nil {
		if e := <-c.Exited(); e.Err != nil || e.Code != 0 {
			err = fmt.Errorf("exit %+v", e)
		}
	}
	return errors.Join(err, c.Delete(ctx))
}
