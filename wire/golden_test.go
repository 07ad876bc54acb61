package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// Every recorded frame decodes and encodes again to the same bytes, and every
// refused one is refused. The same files hold frames of containers, which the
// tests of wire/grading and wire/student take.
func TestVectors(t *testing.T) {
	for _, file := range wiretest.VectorFiles(t) {
		t.Run(file.Name, func(t *testing.T) {
			for _, v := range file.Vectors {
				switch {
				case v.Accepted != nil:
					checkVerdict(t, v)
				case strings.HasPrefix(v.Type, "container:"):
				default:
					checkGolden(t, v)
				}
			}
			fmt.Fprintf(t.Output(), "vectors: %d cases\n", len(file.Vectors))
		})
	}
}

func checkVerdict(t *testing.T, v wiretest.Vector) {
	t.Helper()
	frame := v.Frame(t)
	_, err := wire.NewDialect(v.Generation(t), wire.Limits{}).Decode(frame)
	if (err == nil) != *v.Accepted {
		t.Errorf("%s %s: got %v, want accepted %v", v.Gen, v.Name, err, *v.Accepted)
	}
}

func checkGolden(t *testing.T, v wiretest.Vector) {
	t.Helper()
	frame := v.Frame(t)
	d := wire.NewDialect(v.Generation(t), wire.Limits{})
	m, err := d.Decode(frame)
	if err != nil {
		t.Errorf("%s %s: %v", v.Gen, v.Name, err)
		return
	}
	if got := fmt.Sprintf("%T", m); got != "*wire."+strings.Replace(v.Type, "UpdateContainers", "UpdateEnvironments", 1) {
		t.Errorf("%s %s: decoded as %s", v.Gen, v.Name, got)
	}
	again, err := d.Append([]byte("before"), m)
	if err != nil || !bytes.Equal(again, append([]byte("before"), frame...)) {
		t.Errorf("%s %s: encoded again: %v\n got %x\nwant %x", v.Gen, v.Name, err, clip(again[6:]), clip(frame))
	}
	learner := wire.NewLearner(wire.Limits{})
	if _, err := learner.Decode(frame); err != nil {
		t.Errorf("%s %s: learner: %v", v.Gen, v.Name, err)
	}
	known := false
	for _, g := range learner.Candidates() {
		known = known || g == v.Generation(t)
	}
	if !known {
		t.Errorf("%s %s: a learner takes its sender for one of %v", v.Gen, v.Name, learner.Candidates())
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 300)] }
