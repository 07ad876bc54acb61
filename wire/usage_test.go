package wire

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

// All that a job used comes back, beside what the grader put there, and over what
// it put in its place.
func TestUsage(t *testing.T) {
	want := Usage{
		All:  Resources{CPU: 1500 * time.Millisecond, MemoryPeak: 1, PidsPeak: 2, Read: 3, Written: 4},
		Wall: 2 * time.Second, Victim: "v", Sent: 5, Denied: 6,
		Phases:     []Phase{{"waiting", time.Second}, {"running", time.Millisecond}},
		Containers: []ContainerUsage{{"grader", EndTimeout, -1, Resources{CPU: 7}, []Phase{{"creating", 8}}}, {Name: "s1", Code: 252}},
		Unlisted:   9,
	}
	for i, v := range reflect.ValueOf(want).Fields() {
		if v.IsZero() {
			t.Errorf("%s is not tested", i.Name)
		}
	}
	for name, custom := range map[string]Raw{
		"none": nil, "empty": {0x80}, "a key": Raw("\x81\xa1k\x01"), "its own": WithUsage(nil, Usage{Victim: "nobody"}),
		"its own, wrong": Raw("\x81\xac@ingot.usage\x01"),
	} {
		b := WithUsage(custom, want)
		if got, ok, err := UsageOf(b); !reflect.DeepEqual(got, want) || !ok || err != nil {
			t.Errorf("%s: got %+v, %v, %v", name, got, ok, err)
		}
		if _, ok := Lookup(b, "k"); ok != (name == "a key") {
			t.Errorf("%s: the grader's key is there: %v", name, ok)
		}
	}
	if _, ok, err := UsageOf(Raw("\x81\xac@ingot.usage\x01")); ok || err == nil {
		t.Errorf("a number is taken for usage: %v, %v", ok, err)
	}
	many := append(Raw("\x81\xac@ingot.usage\x81\xa6phases\xdc\x03\xe9"), bytes.Repeat([]byte{0x80}, 1001)...)
	if _, ok, err := UsageOf(many); ok || err == nil {
		t.Errorf("1001 phases are taken for usage: %v, %v", ok, err)
	}
	if _, ok, err := UsageOf(Raw{0x80}); ok || err != nil {
		t.Errorf("nothing is taken for usage: %v, %v", ok, err)
	}
	if got := WithUsage(Raw{5}, want); len(got) != 1 {
		t.Errorf("custom data that is no map becomes %x", got)
	}
}
