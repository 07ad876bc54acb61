package template

import (
	"os"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/input"
)

// locales says what Python's table of locale aliases makes of the languages that
// INGInious has: the country, and the codeset where it is not ISO8859-1.
var locales = map[string]struct{ country, codeset string }{
	"de": {country: "DE"}, "el": {"GR", "ISO8859-7"}, "en": {country: "US"}, "es": {country: "ES"},
	"fr": {country: "FR"}, "he": {"IL", "ISO8859-8"}, "it": {country: "IT"}, "nb": {country: "NO"},
	"nl": {country: "NL"}, "pt": {country: "PT"}, "vi": {"VN", "TCVN"},
}

// expand lists the names under which a catalogue for a language may be found,
// the most specific first (TOOLKIT.md 5.1).
func expand(language string) []string {
	name, codeset, _ := strings.Cut(language, ".")
	lang, country, _ := strings.Cut(name, "_")
	if l, ok := locales[lang]; ok {
		if country == "" {
			country = l.country
		}
		if codeset == "" {
			codeset = l.codeset
		}
		if codeset == "" {
			codeset = "ISO8859-1"
		}
	}
	var out []string
	for _, base := range []string{lang + "_" + country, lang} {
		if base == lang+"_" {
			continue
		}
		if codeset != "" {
			out = append(out, base+"."+codeset)
		}
		out = append(out, base)
	}
	return out
}

// language is the student's language, or "" and false if the job has none.
func language(in *input.Input) (string, bool) {
	if in == nil {
		return "", false
	}
	v, _ := in.Fields.Get("@lang")
	s, ok := v.(string)
	return s, ok
}

// catalogueLanguages replaces an empty language by that of the environment.
func catalogueLanguages(lang string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if lang == "" {
			lang = os.Getenv(name)
		}
	}
	return lang
}
