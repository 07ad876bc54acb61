package pytext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

func TestInvalidPartsBecomeOneMark(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"é😀":                     "é😀",
		"a\xff\xe2\x82b":         "a\ufffd\ufffdb",
		"\xc3":                   "\ufffd",
		"\xf0\x9f\x98":           "\ufffd",
		"\xf0\x9f\x98\xf0":       "\ufffd\ufffd",
		"\xed\xa0\x80":           "\ufffd\ufffd\ufffd",
		"\xe0\x80\x80":           "\ufffd\ufffd\ufffd",
		"\xf4\x90\x80\x80":       "\ufffd\ufffd\ufffd\ufffd",
		"\xf4\x8f\xbf\xbf":       "\U0010ffff",
		"\xc0\x80":               "\ufffd\ufffd",
		"\xe2\x82\xe2\x82\xac x": "\ufffd€ x",
	} {
		if got := pytext.Clean([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestEscapesOfCodePoints(t *testing.T) {
	for in, want := range map[string]string{
		`\u00e9`: "é", `\u20ac`: "€", `\U0001F600`: "😀", `\N{EURO SIGN}`: "€", `\777`: "ǿ", `\xc3\xa9\u20ac`: "é€",
	} {
		if got, err := pytext.Unescape(in); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{`\xe9`, `\ud800`, `\xe9\u20ac`, `\U00110000`, `\N{NO SUCH}`} {
		if got, err := pytext.Unescape(in); err == nil {
			t.Errorf("%s: %q", in, got)
		}
	}
}

// Python reads no integer of more digits, so that nobody waits for one.
func TestLongestInteger(t *testing.T) {
	longest := strings.Repeat("7", 4300)
	if got, ok := pytext.Int(longest); !ok || got != longest {
		t.Errorf("4300 digits: %v", ok)
	}
	if _, ok := pytext.Int(longest + "7"); ok {
		t.Error("4301 digits were read")
	}
}

func TestWordsOfQuotedWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.String()).Draw(t, "words")
		var line []string
		for _, w := range words {
			line = append(line, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		got, err := pytext.Words(strings.Join(line, " "))
		if err != nil || strings.Join(got, "\x00|") != strings.Join(words, "\x00|") {
			t.Fatalf("%q became %q, %v", words, got, err)
		}
	})
}

func FuzzUnescape(f *testing.F) {
	f.Add(`\N{digit one}\x41\u20ac\`)
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, `\N`) {
			return // the search for a name takes long
		}
		if out, err := pytext.Unescape(s); err == nil && !utf8.ValidString(out) {
			t.Fatalf("%q became %q", s, out)
		}
	})
}
