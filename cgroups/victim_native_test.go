//go:build native || vm

package cgroups

import (
	"testing"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

func watchVictims(t *testing.T) *Victims {
	t.Helper()
	tier.Require(t, tier.Native, tier.VM)
	v, err := WatchVictims()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// A process that ends otherwise is nobody's victim.
func TestNoVictim(t *testing.T) {
	v, g := watchVictims(t), child(t, job(t, tree(t), "j1"), "grader")
	id, err := g.ID()
	if err != nil {
		t.Fatal(err)
	}
	run(t, g, "kill -9 $$").Wait()
	if who, ok, err := v.Take(id); ok || err != nil {
		t.Errorf("got %+v, %v, %v", who, ok, err)
	}
}
