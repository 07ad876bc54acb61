package tier

import (
	"runtime"
	"testing"
)

// recorder is a test that notes whether it was failed or skipped.
type recorder struct {
	testing.TB
	failed, skipped bool
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(string, ...any) {
	r.failed = true
	runtime.Goexit()
}

func (r *recorder) SkipNow() { r.skipped = true }

func TestRequireFailsElsewhere(t *testing.T) {
	for _, c := range []struct {
		here   string
		tiers  []Tier
		passes bool
	}{
		{"vm", []Tier{VM}, true},
		{"native", []Tier{VM, Native}, true},
		{"native", []Tier{VM}, false},
		{"", []Tier{VM, Native}, false},
		{"VM", []Tier{VM}, false},
	} {
		t.Setenv(Variable, c.here)
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			Require(r, c.tiers...)
		}()
		<-done
		if r.failed == c.passes || r.skipped {
			t.Errorf("in tier %q, %v required: failed %v, skipped %v", c.here, c.tiers, r.failed, r.skipped)
		}
	}
}
