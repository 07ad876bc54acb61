package mcq

import (
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// Larger arrays and maps than any real task has are not looked into.
func TestItemsAreBounded(t *testing.T) {
	for n, want := range map[uint32]bool{0: true, maxItems: true, maxItems + 1: false} {
		if _, ok := value(msgp.AppendArrayHeader(nil, n)).items(); ok != want {
			t.Errorf("an array of %d: %v", n, ok)
		}
		if _, ok := value(msgp.AppendMapHeader(nil, n)).entries(); ok != want {
			t.Errorf("a map of %d: %v", n, ok)
		}
	}
}
