//go:build native

package grade

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/wire"
)

// demo is an image of the environment of fixtures.
func demo(id string) sandbox.Image {
	img := image("demo", 0, labelName, "demo", labelVersion, "4")
	img.ID, img.Config.Cmd = id, []string{"INGInious"}
	return img
}

// A job is graded in the new image if its own is exchanged while it waits, or just
// when its container is made.
func TestImageThatIsExchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f *fixture
		exchange := sync.OnceFunc(func() { f.fake.AddImage(demo("sha256:newest"), f.program) })
		var late atomic.Bool
		f = newFixture(t, func(_ context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
			if call == sandboxtest.Create && late.Load() {
				exchange()
			}
			return nil
		})
		f.exec.memory.take(f.exec.cfg.Memory)
		waiting := make(chan wire.Result, 1)
		go func() { waiting <- f.exec.Run(t.Context(), f.job(false), nil) }()
		synctest.Wait()
		f.fake.AddImage(demo("sha256:new"), f.program)
		f.exec.memory.release(f.exec.cfg.Memory)
		if res := <-waiting; res.Status != "success" {
			t.Errorf("one that waited: %s %q", res.Status, res.Text)
		}
		late.Store(true)
		if res := f.exec.Run(t.Context(), f.job(false), nil); res.Status != "success" {
			t.Errorf("in the same moment: %s %q", res.Status, res.Text)
		}
		if envs := f.exec.Environments(); len(envs) != 1 || envs[0].ID != "sha256:newest" {
			t.Errorf("offered: %+v", envs)
		}
		f.close()
	})
}

// A job whose image is gone is refused, and waits for none that does not come.
func TestImageThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(_ context.Context, call sandboxtest.Call, _ sandbox.Spec) error {
			if call == sandboxtest.Create {
				return sandbox.ErrNoImage
			}
			return nil
		})
		began := time.Now()
		res := f.exec.Run(t.Context(), f.job(false), nil)
		if took := time.Since(began); res.Status != "crash" || !strings.Contains(res.Text, "unknown to this agent") || took > renewal {
			t.Errorf("%s %q after %v", res.Status, res.Text, took)
		}
		f.close()
	})
}
