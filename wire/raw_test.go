package wire_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

func TestLookup(t *testing.T) {
	m := wire.Raw(message(t, "a", 1, "b", "x", 2, "y", "b", "z", []byte("a"), nil))
	if v, ok := wire.Lookup(m, "b"); !ok || string(v) != "\xa1z" {
		t.Errorf("the last of two: %x, %v", v, ok)
	}
	if v, ok := wire.Lookup(m, "a"); !ok || string(v) != "\x01" {
		t.Errorf("a text key beside one of bytes: %x, %v", v, ok)
	}
	for name, m := range map[string]wire.Raw{
		"another key": m, "no map": packed(t, "c"), "nothing": nil, "cut": {0x82, 0xa1, 'c', 0x01}, "cut header": {0xdf, 0}, "garbage": {0xc1},
	} {
		if v, ok := wire.Lookup(m, "c"); ok || v != nil {
			t.Errorf("%s: %x", name, v)
		}
	}
}

func TestStateOf(t *testing.T) {
	for want, inputs := range map[string]wire.Raw{
		"the state": message(t, "q", "a", "@state", "the state"), "": message(t, "@state", 5),
	} {
		if got := wire.StateOf(inputs); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := wire.StateOf(nil); got != "" {
		t.Errorf("no inputs: %q", got)
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		value any
		kind  wire.Kind
		truth bool
	}{
		{nil, wire.KindNil, false}, {false, wire.KindBool, false}, {true, wire.KindBool, true},
		{0, wire.KindInt, false}, {-1, wire.KindInt, true}, {200, wire.KindInt, true}, {-200, wire.KindInt, true}, {uint64(1 << 63), wire.KindInt, true},
		{0.0, wire.KindFloat, false}, {float32(0.5), wire.KindFloat, true},
		{"", wire.KindText, false}, {"x", wire.KindText, true}, {strings.Repeat("x", 300), wire.KindText, true}, {strings.Repeat("x", 70000), wire.KindText, true},
		{[]byte{}, wire.KindBytes, false}, {make([]byte, 70000), wire.KindBytes, true}, {make([]byte, 300), wire.KindBytes, true},
		{[]any{}, wire.KindArray, false}, {make([]any, 20), wire.KindArray, true}, {make([]any, 70000), wire.KindArray, true},
		{map[string]any{}, wire.KindMap, false}, {map[string]any{"a": 1}, wire.KindMap, true},
	} {
		v := packed(t, c.value)
		if v.Kind() != c.kind || v.Truth() != c.truth {
			t.Errorf("%T %.20v is a %s, truth %v", c.value, c.value, v.Kind(), v.Truth())
		}
		_, isText := v.Text()
		_, isBool := v.Bool()
		_, isFloat := v.Float()
		_, isNumber := v.Number()
		if isText != (c.kind == wire.KindText) || isBool != (c.kind == wire.KindBool) || isFloat != (c.kind == wire.KindFloat) ||
			isNumber != (c.kind == wire.KindFloat || c.kind == wire.KindInt) {
			t.Errorf("%T %.20v: text %v, bool %v, float %v, number %v", c.value, c.value, isText, isBool, isFloat, isNumber)
		}
	}
	if k := (wire.Raw{0xc1}).Kind(); k != wire.KindOther || k.String() != "no value" {
		t.Errorf("an unused code is a %s", k)
	}
}

func TestWalk(t *testing.T) {
	var seen []byte
	collect := func(k, v wire.Raw) error {
		seen = append(append(seen, k...), v...)
		return nil
	}
	m := message(t, "b", 1, 5, []any{2, 3}, "a", nil)
	if err := (wire.Limits{}).Walk(m, collect); err != nil || string(seen) != string(m[1:]) {
		t.Errorf("entries % x of % x, %v", seen, m, err)
	}
	if err := (wire.Limits{}).Walk(nil, collect); err != nil {
		t.Errorf("an empty Raw: %v", err)
	}
	if err := (wire.Limits{}).Walk(m, func(_, _ wire.Raw) error { return io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("an error of the caller: %v", err)
	}
	for name, c := range map[string]struct {
		m    wire.Raw
		want error
	}{
		"no map": {packed(t, 5), wire.ErrValue}, "too many": {m, wire.ErrLimit}, "cut": {m[:2], wire.ErrShort}, "garbage": {wire.Raw{0x81, 0xc1, 0}, wire.ErrMsgpack},
	} {
		if err := (wire.Limits{Items: 2}).Walk(c.m, collect); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (wire.Limits{}).List(nil, nil); !errors.Is(err, wire.ErrValue) {
		t.Errorf("a map as a list: %v", err)
	}
}

// The decoders around a grading container want text or bytes as map keys.
func TestTextKeys(t *testing.T) {
	for name, c := range map[string]struct {
		v  []byte
		ok bool
	}{
		"text": {message(t, "a", 1), true}, "long text": {message(t, strings.Repeat("a", 100), 1), true}, "bytes": {message(t, []byte("a"), 1), true},
		"an int": {message(t, 1, 1), false}, "nil": {message(t, nil, 1), false}, "a float": {message(t, 1.5, 1), false},
		"an int inside": {message(t, "a", wire.Raw(message(t, 1, 1))), false}, "a tuple": {[]byte("\x81\x91\xa1a\x01"), false},
	} {
		if err := (wire.Limits{TextKeys: true}).Check(c.v); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err := (wire.Limits{}).Check(c.v); err != nil {
			t.Errorf("%s, any keys: %v", name, err)
		}
	}
}
