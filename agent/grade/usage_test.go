package grade

import (
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// A grader that makes students' containers without end does not make its result
// long: the first are listed, the others counted.
func TestUsageListsSomeContainers(t *testing.T) {
	j := &job{}
	for i := range maxListed + 7 {
		j.list(wire.ContainerUsage{Code: int64(i)})
	}
	if n := len(j.used.Containers); n != maxListed || j.used.Containers[n-1].Code != maxListed-1 || j.used.Unlisted != 7 {
		t.Errorf("%d listed, the last is %+v, %d are not", n, j.used.Containers[n-1], j.used.Unlisted)
	}
}
