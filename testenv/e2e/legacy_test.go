//go:build native || vm

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ingot-grading/ingot/testenv/images"
)

// legacy is what images as INGInious' own are made of: a container side in
// Python that shares nothing with ours.
type legacy struct{ root, programs []images.File }

func newLegacy(t testing.TB) legacy {
	t.Helper()
	root, err := images.PythonRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	programs, err := images.LegacyPrograms()
	if err != nil {
		t.Fatal(err)
	}
	return legacy{root, programs}
}

// bring imports the images of families into a running rig.
func (l legacy) bring(r *rig, families ...images.Family) {
	r.t.Helper()
	var ims []images.Image
	for _, f := range families {
		ims = append(ims, images.Legacy(f, l.root, l.programs))
	}
	r.load(r.runtime, ims...)
	r.awaitEnvironment(r.kind, families[len(families)-1].Env())
}

// file writes a file of a task of course "c".
func (r *rig) file(task, name, text string) {
	r.t.Helper()
	path := filepath.Join(r.tasks, "c", task, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}
