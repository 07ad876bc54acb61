package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/ingot-grading/ingot/wire/wiretest"
)

// Every message that the original programs were recorded to send is shown, and
// taken for what it is.
func TestDecodeRecorded(t *testing.T) {
	n := 0
	for _, file := range wiretest.VectorFiles(t) {
		for _, v := range file.Vectors {
			if v.Accepted != nil || strings.HasPrefix(v.Type, "container:") {
				continue
			}
			n++
			var out strings.Builder
			p := printer{out: &out, most: longText}
			if err := p.recording(v.Frame(t)); err != nil {
				t.Errorf("%s %s: %v", v.Gen, v.Name, err)
			}
			if kind, _, _ := strings.Cut(out.String(), ","); !strings.EqualFold(strings.ReplaceAll(kind, "_", ""), v.Type) {
				t.Errorf("%s %s is shown as %q", v.Gen, v.Name, kind)
			}
		}
	}
	if n < 100 {
		t.Errorf("%d recordings: some are missing", n)
	}
}

// Recordings are strangers' bytes: nothing in them moves the cursor.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"82", "\x82\xa4name\xa2me\xa5@type\xabClientHello", "\xc7\x05\x01\x1b[2J", "\x81\xa5@type\xa4\x1b[2J"} {
		f.Add([]byte(s))
	}
	f.Add(append(append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03"), make([]byte, 53)...), "\x04\x02\x05R\x02\xff\xff\xff\xff\xff\xff\xff\xff"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out strings.Builder
		_ = printer{out: &out, most: longText}.recording(data)
		for _, r := range out.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Fatalf("prints %q", out.String())
			}
		}
		if len(data) > 0 && len(unhex(data)) > 0 && out.Len() == 0 && !isZMTP(unhex(data)) {
			t.Error("shows nothing")
		}
	})
}
