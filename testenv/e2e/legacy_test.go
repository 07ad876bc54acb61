//go:build native || vm

package e2e

import (
	"github.com/ingot-grading/ingot/testenv/images"
)

// bring imports an image into a running rig and waits for its environment.
func (r *rig) bring(im images.Image) {
	r.t.Helper()
	r.load(r.runtime, im)
	r.images = append(r.images, im)
	r.awaitEnvironment(r.kind, im.Config.Labels[images.LabelName])
}

// legacy imports images as INGInious' own, with a container side in Python that
// knows nothing of ours.
func (r *rig) legacy(families ...images.Family) {
	r.t.Helper()
	root, err := images.PythonRoot(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	programs, err := images.LegacyPrograms()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		r.bring(images.Legacy(f, root, programs))
	}
}

