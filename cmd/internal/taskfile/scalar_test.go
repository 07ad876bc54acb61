package taskfile

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// What PyYAML makes of each text.
func TestScalars(t *testing.T) {
	for text, want := range map[string]any{
		"yes": true, "Yes": true, "on": true, "ON": true, "true": true, "no": false, "Off": false, "FALSE": false,
		"yEs": "yEs", "y": "y", "N": "N", "'yes'": "yes", `"on"`: "on",
		"": nil, "~": nil, "null": nil, "NULL": nil, "nULL": "nULL",
		"0": int64(0), "-0": int64(0), "+12": int64(12), "1_000": int64(1000), "_1": "_1", "08": "08", "07": int64(7), "0_7": int64(7), "00": int64(0),
		"0o14": "0o14", "0x1F": int64(31), "-0x1f": int64(-31), "0x": "0x", "0b101": int64(5), "0b": "0b",
		"12:30:00": int64(45000), "-1:30": int64(-90), "12:60": "12:60", "0:30": "0:30", "1:2:3": int64(3723),
		"9223372036854775807": int64(math.MaxInt64), "9223372036854775808": uint64(1 << 63), "-9223372036854775808": int64(math.MinInt64),
		"18446744073709551616": unsendable("a number of more than 64 bits"), "9999999999999999999:0": unsendable("a number of more than 64 bits"), "-9223372036854775809": unsendable("a number of more than 64 bits"),
		"1.0": 1.0, "1.": 1.0, ".5": 0.5, "+.5": "+.5", "-.5": "-.5", "1e3": "1e3", "1.5e10": "1.5e10", "1.5e+10": 1.5e10, "1.e+3": 1000.0,
		"1_0.5": 10.5, "190:20:30.15": 685230.15, "0:1.5": 1.5, ".inf": math.Inf(1), "-.Inf": math.Inf(-1), "1.0e+400": math.Inf(1), ".": ".", ".iNF": ".iNF",
		"2026-01-02": unsendable("a date"), "2026-1-2": "2026-1-2", "2026-1-2 3:04:05": unsendable("a date"), "2001-12-14t21:59:43.10-05:00": unsendable("a date"),
		"'2026-01-02'": "2026-01-02", "2026-01-0": "2026-01-0",
		"!!str yes": "yes", "!!str 12": "12", "!!int '12:30:00'": int64(45000), "!!float 3": 3.0, "!!bool 'ON'": true, "!!null x": nil,
		"! 12": int64(12), "! '12'": int64(12), "!!binary aGVsbG8=": []byte("hello"), "!<tag:yaml.org,2002:str> 1": "1",
		"|\n  12\n": "12\n", ">\n  yes\n": "yes\n", "!!set {a}": unsendable("a !!set"), "é": "é",
	} {
		got, err := parse([]byte("v: " + text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if v := got.(*mapping).get("v"); !reflect.DeepEqual(v, want) {
			t.Errorf("%q is %T %v, want %T %v", text, v, v, want, want)
		}
	}
	got, err := parse([]byte("[.nan, -.nan]"))
	if list, ok := got.([]any); !ok || !math.IsNaN(list[0].(float64)) || list[1] != "-.nan" {
		t.Errorf("not numbers are %v, %v", got, err)
	}
}

func TestMappings(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: 2\na: 3":                                 "{a=3 b=2}",
		"1: a\n'1': b\n1.0: c\ntrue: d":                    "{1=d '1'=b}",
		"b: 0\n<<: {a: 1, b: 2}\nc: 3":                     "{a=1 b=0 c=3}",
		"x: &x {a: 1}\ny: &y {a: 2, b: 2}\n<<: [*x, *y]":   "{a=1 b=2 x={a=1} y={a=2 b=2}}",
		"<<: {a: 1, <<: {a: 2, b: 2}}\n'<<': 4":            "{a=1 b=2 <<=4}",
		"x: &x [1, {}]\ny: *x":                             "{x=[1 {}] y=[1 {}]}",
		"=: 1\n!!binary aGk=: 2\n!!binary 'aGk=': 3\n~: 4": "{==1 6869=3 nil=4}",
	} {
		got, err := parse([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if s := show(got); s != want {
			t.Errorf("%q is %s, want %s", text, s, want)
		}
	}
}

// show is a value in a line, text that could be a number in quotes.
func show(v any) string {
	switch v := v.(type) {
	case *mapping:
		var parts []string
		for i, k := range v.keys {
			parts = append(parts, show(k)+"="+show(v.values[i]))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, show(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case string:
		if v == "1" {
			return "'1'"
		}
		return v
	case []byte:
		return fmt.Sprintf("%x", v)
	case nil:
		return "nil"
	}
	return fmt.Sprint(v)
}

func TestRefusedTexts(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	merges := "m0: &m0 {k: 1, l: 2}\n"
	for i := range 12 {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
		merges += fmt.Sprintf("m%d: &m%d {<<: [%s]}\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*m%d, ", i), 10), ", "))
	}
	for name, text := range map[string]string{
		"alias bomb":       bomb,
		"merge bomb":       merges,
		"itself":           "&a [*a]",
		"merges itself":    "&a {b: 1, <<: *a}",
		"deep":             strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"two documents":    "a: 1\n---\nb: 2\n",
		"merge of a text":  "<<: a",
		"merge of texts":   "<<: [a]",
		"list as a key":    "? [a]\n: b",
		"unknown type":     "a: !python/object:os.system x",
		"unknown list":     "a: !list [x]",
		"value as a value": "a: =",
		"bad int":          "a: !!int x",
		"empty int":        "a: !!int ''",
		"empty binary int": "a: 0b_",
		"bad bool":         "a: !!bool x",
		"bad float":        "a: !!float 0x1p3",
		"bad base64":       "a: !!binary ====",
		"no yaml":          "a: [",
		"a text for a map": "a: !!map x",
	} {
		if v, err := parse([]byte(text)); err == nil {
			t.Errorf("%s: is %s", name, show(v))
		}
	}
}
