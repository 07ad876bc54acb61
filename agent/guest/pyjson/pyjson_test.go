package pyjson_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
)

func TestDeepNestingIsItsOwnError(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	if _, err := pyjson.Parse(deep(900)); err != nil {
		t.Errorf("900 levels: %v", err)
	}
	if _, err := pyjson.Parse(deep(100000)); !errors.Is(err, pyjson.ErrDepth) {
		t.Errorf("100000 levels: %v", err)
	}
}

func TestKeysKeepTheirOrder(t *testing.T) {
	o := new(pyjson.Object)
	o.Set("b", pyjson.Int("1"))
	o.Set("a", true)
	o.Set("b", nil)
	b, err := pyjson.Append(nil, o)
	if err != nil || string(b) != `{"b": null, "a": true}` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestBytesAreNoJSON(t *testing.T) {
	if b, err := pyjson.Append(nil, []any{pyjson.Bytes("x")}); err == nil {
		t.Errorf("got %s", b)
	}
}

func TestMsgpackOfOddValues(t *testing.T) {
	huge := pyjson.Int("-1" + strings.Repeat("0", 400))
	v := []any{pyjson.Int("-9223372036854775809"), "\xed\xa0\x80", pyjson.Int("18446744073709551615"), huge}
	got, err := pyjson.FromMsgpack(pyjson.AppendMsgpack(nil, v))
	if err != nil {
		t.Fatal(err)
	}
	b, err := pyjson.Append(nil, got)
	if err != nil || string(b) != `[-9.223372036854776e+18, "\ufffd", 18446744073709551615, -1.7976931348623157e+308]` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestMsgpackWithMoreBehindIt(t *testing.T) {
	if v, err := pyjson.FromMsgpack([]byte{0xc0, 0xc0}); err == nil {
		t.Errorf("got %v", v)
	}
}

// What was written is read as it was, and written as before.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a": [1, 2.5, null, "\ud800"]}`, `NaN`, `-0`, `"é\u0000"`, `{"a":1,"a":2}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := pyjson.Parse(s)
		if err != nil {
			return
		}
		first, err := pyjson.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := pyjson.Parse(string(first))
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second, err := pyjson.Append(nil, again); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%s became %s, %v", first, second, err)
		}
	})
}

// No bytes of a stranger make the reader fail in another way than with an error,
// and what it reads can be sent.
func FuzzFromMsgpack(f *testing.F) {
	f.Add([]byte{0x81, 0xa1, 'a', 0x93, 1, 0xc0, 0xc4, 1, 0xff})
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := pyjson.FromMsgpack(b)
		if err != nil {
			return
		}
		sent := pyjson.AppendMsgpack(nil, v)
		again, err := pyjson.FromMsgpack(sent)
		if err != nil {
			t.Fatal(err)
		}
		if third := pyjson.AppendMsgpack(nil, again); !bytes.Equal(sent, third) {
			t.Fatalf("% x became % x", sent, third)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := `{"problems": {"q1": ["success", "` + strings.Repeat("well done ", 50) + `"]}, "grade": 50.0, "custom": {"a": [1, 2, 3]}}`
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pyjson.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
