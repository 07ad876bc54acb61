package app

import (
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

func TestLimitsOfMessages(t *testing.T) {
	got, err := Limits{MaxMessage: 1000, MaxDepth: 5, MaxItems: 6}.Wire()
	if want := (wire.Limits{Frame: 1000 + overhead, Depth: 5, Items: 6}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got, err := (Limits{}).Wire(); err != nil || got != (wire.Limits{}) {
		t.Errorf("%+v, %v; want the defaults", got, err)
	}
	for _, bad := range []Limits{{MaxMessage: -1}, {MaxDepth: -1}, {MaxItems: -1}} {
		if _, err := bad.Wire(); err == nil {
			t.Errorf("%+v: accepted", bad)
		}
	}
}
