//go:build native

package e2e

import (
	"testing"
	"time"

	"github.com/ingot-grading/ingot/testenv/images"
)

func TestLegacy(t *testing.T) {
	r := start(t, "crun")
	t0 := time.Now()
	r.legacy(images.Families...)
	t.Log("imported", time.Since(t0))
	for _, f := range images.Families {
		r.env = f.Env()
		t0 = time.Now()
		r.check(t, "trivial", `true`)
		t.Log(f, time.Since(t0))
		t0 = time.Now()
		r.check(t, "student", `out=$(echo question | run_student "sh -c 'cat; exit 7'"); is 7; test "$out" = question || no "output $out"`)
		t.Log(f, time.Since(t0))
	}
}
