package mcq

import (
	"strings"
	"testing"
)

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"q": true, "Q-1.b_2": true, "q\n": true, "ı": true, "ſx": true, "\u212a": true, "İ": true, "..": true,
		"": false, "\n": false, "q\n\n": false, "\nq": false, "a b": false, "@lang": false, "é": false,
		"a/b": false, "q*": false, "a\x00": false, "\xff": false, "٣": false,
	} {
		if got := validID([]byte(id)); got != want {
			t.Errorf("%q: %v", id, got)
		}
	}
}

func TestStateKey(t *testing.T) {
	for id, want := range map[string]string{
		"q-1._A": `"q-1._A"`, "q\n": `"q\n"`, "\u212a": `"\u212a"`, "ıſİ": `"\u0131\u017f\u0130"`,
	} {
		if got := string(appendStateKey(nil, []byte(id))); got != want {
			t.Errorf("%q: %s, want %s", id, got, want)
		}
	}
}

func TestAllowedPath(t *testing.T) {
	for id, want := range map[string]bool{
		"course": true, "a/b": true, "a.b": true, "$common": true, "é b": true, ".": true,
		"": false, "/a": false, "..": false, "a/../b": false, "a..b": false, " a": false, "a\n": false,
		"\u00a0a": false, "a\x00b": false, strings.Repeat("x", maxPathPart): true, strings.Repeat("x", maxPathPart+1): false,
	} {
		if got := allowedPath(id); got != want {
			t.Errorf("%q: %v", id, got)
		}
	}
}

func TestAllowedLang(t *testing.T) {
	for lang, want := range map[string]bool{
		"fr": true, "nb_NO": true, "sr@latin": true, "pt-BR": true,
		"": false, "..": false, "a/b": false, "fr\x00": false, "fr.mo": false,
		"a23456789012345678901234567890123": false,
	} {
		if got := allowedLang([]byte(lang)); got != want {
			t.Errorf("%q: %v", lang, got)
		}
	}
}
