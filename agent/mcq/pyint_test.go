package mcq

import (
	"testing"
	"unicode"
)

func TestPyInt(t *testing.T) {
	for _, c := range []struct {
		json string
		want int64
		ok   bool
	}{
		{`7`, 7, true}, {`-3`, -3, true}, {`18446744073709551615`, outside, true},
		{`true`, 1, true}, {`false`, 0, true}, {`1.9`, 1, true}, {`-1.9`, -1, true}, {`1e300`, outside, true},
		{`{"$float": "nan"}`, 0, false}, {`{"$float": "-inf"}`, 0, false},
		{`null`, 0, false}, {`[]`, 0, false}, {`{}`, 0, false},
		{`"7"`, 7, true}, {`" \t7\n"`, 7, true}, {`"+7"`, 7, true}, {`"-0"`, 0, true}, {`"007"`, 7, true},
		{`"1_0"`, 10, true}, {`"_1"`, 0, false}, {`"1_"`, 0, false}, {`"1__0"`, 0, false}, {`"+_1"`, 0, false},
		{`""`, 0, false}, {`" "`, 0, false}, {`"+"`, 0, false}, {`"- 1"`, 0, false}, {`"--1"`, 0, false},
		{`"1.0"`, 0, false}, {`"0x1"`, 0, false}, {`"1\u0000"`, 0, false}, {`"\ufeff1"`, 0, false},
		{`"\u30001\u2003"`, 1, true}, {`"\u00851"`, 1, true}, {`"\u200b1"`, 0, false},
		{`"\u001c1"`, 0, false}, {`"\u00a01\u001f"`, 0, false}, // not blank to int(), unlike to strip()
		{`"\u0664\uff12"`, 42, true}, {`"\ud835\udfd9"`, 1, true}, {`"\u00b2"`, 0, false},
		{`"99999999999999999999999999"`, outside, true}, {`"-99999999999999999999999999"`, -outside, true},
		{`{"$b64": "IDc="}`, 7, true}, {`{"$b64": "wqA3"}`, 0, false},
	} {
		got, ok := pyInt(asValue(t, c.json))
		if ok != c.ok || ok && got != c.want {
			t.Errorf("int(%s) = %d, %v, want %d, %v", c.json, got, ok, c.want, c.ok)
		}
	}
	if _, ok := pyInt(nil); ok {
		t.Error("an absent value has an int")
	}
}

// Every decimal digit of Unicode has a value, runs start at zero, and what
// stands beside a run is no digit.
func TestDigitOf(t *testing.T) {
	check := func(lo, hi, stride rune) {
		if stride != 1 || (hi-lo+1)%10 != 0 {
			t.Fatalf("%U to %U by %d is no run of digits", lo, hi, stride)
		}
		for r := lo - 1; r <= hi+1; r++ {
			d, ok := digitOf(r)
			if ok != unicode.Is(unicode.Nd, r) || lo <= r && r <= hi && d != int64(r-lo)%10 {
				t.Errorf("digitOf(%U) = %d, %v", r, d, ok)
			}
		}
	}
	for _, run := range unicode.Nd.R16 {
		check(rune(run.Lo), rune(run.Hi), rune(run.Stride))
	}
	for _, run := range unicode.Nd.R32 {
		check(rune(run.Lo), rune(run.Hi), rune(run.Stride))
	}
}

// An answer is searched for a choice by Python's ==, which is not int().
func TestIsIndex(t *testing.T) {
	for _, c := range []struct {
		json string
		i    int64
		want bool
	}{
		{`1`, 1, true}, {`1`, 2, false}, {`"1"`, 1, true}, {`"10"`, 10, true}, {`"0"`, 0, true},
		{`"01"`, 1, false}, {`" 1"`, 1, false}, {`"+1"`, 1, false}, {`""`, 0, false}, {`"\u0661"`, 1, false},
		{`true`, 1, true}, {`false`, 0, true}, {`true`, 0, false}, {`1.0`, 1, true}, {`1.5`, 1, false}, {`-0.0`, 0, true},
		{`null`, 0, false}, {`{"$b64": "MQ=="}`, 1, false}, {`"99999999999999999999"`, 1, false}, {`"18446744073709551617"`, 1, false},
	} {
		if got := isIndex(asValue(t, c.json), c.i); got != c.want {
			t.Errorf("%s is choice %d: %v", c.json, c.i, got)
		}
	}
}

func TestTrimSpace(t *testing.T) {
	for in, want := range map[string]string{
		" a b ":                    "a b",
		"\x1c\x1f a\u2029\u3000":   "a",
		"\u0085\u00a0\u1680a\t\v":  "a",
		"\ufeffa\u200b":            "\ufeffa\u200b", // no white space to Python
		"\xff \xff":                "\xff \xff",
		"\u2000\u200a\u202f\u205f": "",
	} {
		if got := string(trimSpace([]byte(in), blankOfStrip)); got != want {
			t.Errorf("strip(%q) = %q, want %q", in, got, want)
		}
	}
}
