package mcq

import (
	"fmt"
	"testing"
)

// The last of several inputs under one key counts, however many there are. Many
// are not searched one by one: each problem asks.
func TestInputs(t *testing.T) {
	for _, more := range []int{0, searchLimit - 2, searchLimit - 1, 1000} {
		text := `[["q", "first"], ["q", "last"]`
		for i := range more {
			text += fmt.Sprintf(`, ["p%d", %d]`, i, i)
		}
		var in inputs
		if err := in.read(pack(t, `{"$map": `+text+`]}`)); err != nil {
			t.Fatal(err)
		}
		if got, _ := in.get([]byte("q")).text(); string(got) != "last" || !in.get([]byte("p")).absent() {
			t.Errorf("with %d more: q is %q, p is %x", more, got, in.get([]byte("p")))
		}
		if indexed := in.keys != nil; indexed != (more+2 > searchLimit) {
			t.Errorf("with %d more: indexed %v", more, indexed)
		}
	}
}
