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
