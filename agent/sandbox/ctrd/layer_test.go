//go:build native

package ctrd

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// What a container writes goes to the layer of its specification, whatever that
// is called, over what its image has, and stays there for the caller.
func TestLayer(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			layer := filepath.Join(t.TempDir(), `a,b:c\d e=f`)
			must(t, os.Mkdir(layer, 0o700))
			c, err := r.Create(t.Context(), sandbox.Spec{
				ID: "layer-" + name, Image: probeImage, Handler: h, OCI: probeSpec("write", probeFile), Layer: layer,
			})
			must(t, err)
			must(t, c.Start(t.Context()))
			if e := mustExit(t, c); e.Code != 0 || e.Err != nil {
				t.Errorf("exit %+v", e)
			}
			must(t, c.Delete(t.Context()))
			text, err := os.ReadFile(filepath.Join(layer, "upper", probeFile))
			if err != nil || string(text) != "written" {
				t.Errorf("found %q, %v", text, err)
			}
			if info, err := os.Stat(filepath.Join(layer, "upper")); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("the root directory is %v, %v", info, err)
			}
			if text, complaint := probeOutput(t, r, "read", probeFile); text != "from the image" {
				t.Errorf("the image has %q, %s", text, complaint)
			}
		})
	}
}

// A layer that cannot be is an error, and nothing is left.
func TestNoLayer(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	for name, dir := range map[string]string{"missing": filepath.Join(t.TempDir(), "x"), "used": usedLayer(t)} {
		_, err := r.Create(t.Context(), sandbox.Spec{ID: "layer", Image: probeImage, OCI: probeSpec("exit", "0"), Layer: dir})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if found := left(t.Context(), r); len(found) > 0 {
			t.Errorf("%s: left behind: %q", name, found)
		}
	}
}

func usedLayer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "upper"), 0o755), os.Mkdir(filepath.Join(dir, "work"), 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}
