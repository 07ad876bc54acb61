//go:build native

package ctrd

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// What a Create that failed could not undo is there for Delete, when containerd is
// back.
func TestCreateThatCannotBeUndone(t *testing.T) {
	d, cfg := ownDaemon(t)
	cfg.Watchdog = 3 * time.Second
	armed := false
	cfg.Observe = func(step string, _ time.Duration) {
		if armed && step == "prepare snapshot" {
			armed = false
			must(t, d.Stop())
		}
	}
	r := withImage(t, connect(t, cfg))
	armed = true
	c, err := r.Create(t.Context(), sandbox.Spec{ID: "undone", Image: probeImage, OCI: probeSpec("cat")})
	if !errors.Is(err, sandbox.ErrUnavailable) || c == nil {
		t.Fatalf("created without containerd: %v, %v", c, err)
	}
	must(t, d.Restart(t.Context()))
	must(t, c.Delete(t.Context()))
	if records, err := r.records.List(t.Context()); len(records) > 0 || err != nil {
		t.Errorf("%d records left, %v", len(records), err)
	}
	if _, err := r.snapshots.Stat(t.Context(), "undone"); !errdefs.IsNotFound(err) {
		t.Errorf("the snapshot: %v", err)
	}
	if _, err := os.Stat(filepath.Join(r.cfg.FIFODir, "undone")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the streams: %v", err)
	}
	if r.find("undone") != nil {
		t.Error("it is still known")
	}
}
