// Package tier says where a test can run, and fails it anywhere else.
//
// Most tests are unit tests and need nothing. A test that needs more lives in a
// file with a build constraint of the tier's name,
//
//	//go:build vm
//
// so that a plain go test does not know of it and has nothing to skip, and its
// first line is
//
//	tier.Require(t, tier.VM)
//
// which fails the test if the file was built but the place is not the right
// one. Whoever runs the tests of a tier builds with -tags and sets INGOT_TIER:
// "vm test" does both. A test of two tiers says "//go:build vm || native" and
// requires either.
package tier

import (
	"os"
	"slices"
	"testing"
)

// Tier is a kind of place for tests.
type Tier string

// The tiers beyond unit tests.
const (
	// Native has containerd, runc and crun in a mount namespace of the host: real
	// containers, but no limits.
	Native Tier = "native"
	// VM is root in the disposable machine: limits, OOM, systemd, eBPF.
	VM Tier = "vm"
)

// Variable is the environment variable that names the tier of a test run.
const Variable = "INGOT_TIER"

// Require ends t as failed unless it runs in one of the given tiers. It never
// skips.
func Require(t testing.TB, tiers ...Tier) {
	t.Helper()
	if here := Tier(os.Getenv(Variable)); !slices.Contains(tiers, here) {
		t.Fatalf("needs tier %v, and %s is %q: run it through the runner of that tier", tiers, Variable, here)
	}
}
