package mcq

import (
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestStrIsPythons(t *testing.T) {
	for json, want := range map[string]string{
		`"a b "`: "a b ", `null`: "None", `true`: "True", `false`: "False",
		`42`: "42", `-7`: "-7", `18446744073709551615`: "18446744073709551615",
		`1.0`: "1.0", `-0.0`: "-0.0", `0.1`: "0.1", `100.5`: "100.5",
		`1e15`: "1000000000000000.0", `1e16`: "1e+16", `1.5e16`: "1.5e+16", `123456789012345678.0`: "1.2345678901234568e+17",
		`0.0001`: "0.0001", `0.00001`: "1e-05", `1e22`: "1e+22", `1e100`: "1e+100", `5e-324`: "5e-324",
		`{"$float": "nan"}`: "nan", `{"$float": "inf"}`: "inf", `{"$float": "-inf"}`: "-inf",
		`[]`: "()", `[1]`: "(1,)", `[1, "a", null]`: "(1, 'a', None)", `[[1], {}]`: "((1,), {})",
		`{"a": 1, "b": [true]}`:              "{'a': 1, 'b': (True,)}",
		`{"$map": [[1, "x"], [null, 2.0]]}`:  "{1: 'x', None: 2.0}",
		`{"$b64": "YScA/w=="}`:               `b"a'\x00\xff"`,
		`["it's"]`:                           `("it's",)`,
		`["it's \"so\""]`:                    `('it\'s "so"',)`,
		`["\u007f\u00e9\u200b\u00a0\n\\\t"]`: `('\x7fé\u200b\xa0\n\\\t',)`,
		`["\ud83d\ude00\ue000\udb40\udc01"]`: "('😀\\ue000\\U000e0001',)",
	} {
		got, ok := str(asValue(t, json))
		if !ok || string(got) != want {
			t.Errorf("str(%s) = %s, %v, want %s", json, got, ok, want)
		}
	}
}

func TestStrRefuses(t *testing.T) {
	deep := value(strings.Repeat("\x91", maxNesting+2) + "\xc0")
	if _, ok := str(deep); ok {
		t.Error("takes a value that is too deep")
	}
	if _, ok := str(value{0xd4, 5, 1}); ok {
		t.Error("takes an extension")
	}
	if got, ok := str(msgp.AppendFloat32(nil, 0.1)); !ok || string(got) != "0.10000000149011612" {
		t.Errorf("a float of 4 bytes is %s, %v", got, ok)
	}
}

func TestTruthy(t *testing.T) {
	for json, want := range map[string]bool{
		`null`: false, `false`: false, `0`: false, `0.0`: false, `-0.0`: false, `""`: false, `[]`: false, `{}`: false, `{"$b64": ""}`: false,
		`true`: true, `1`: true, `-1`: true, `18446744073709551615`: true, `0.1`: true, `{"$float": "nan"}`: true,
		`"0"`: true, `"false"`: true, `[0]`: true, `{"a": 0}`: true, `{"$b64": "AA=="}`: true,
	} {
		if got := asValue(t, json).truthy(); got != want {
			t.Errorf("bool(%s) = %v", json, got)
		}
	}
	if !(value{0xd4, 5, 0}).truthy() || value(nil).truthy() {
		t.Error("an extension is true and an absent value is not")
	}
}
