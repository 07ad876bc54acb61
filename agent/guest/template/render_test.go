package template

import (
	"strings"
	"testing"
)

func TestPercentFormatsTexts(t *testing.T) {
	for source, want := range map[string]string{
		`{{ "%s-%d" % ("a", 3) }}`:                            "a-3",
		`{{ _("Hi %(n)s") % {"n": 3} }}`:                      "Hi 3",
		`{{ _("%s") % x.upper()|lower }}`:                     "text",
		`{{ '100%% of %s' % x }}`:                             "100% of text",
		`{{ "%5.1f|%-4s|%04d" % (2.25, "a", 7) }}`:            "  2.2|a   |0007",
		`{%- if "%s" % x == "text" -%} yes {%- endif -%}`:     "yes",
		`{{- "%s" % x -}} !`:                                  "text!",
		`{{ "%s %s" % (1, "%s" % 2) }}`:                       "1 2",
		`{{ 7 % 4 }} {{ n % 2 }} % {# "a" % 1 #}`:             "3 1 % ",
		`{% raw %}{{ "a" % 1 }}{% endraw %}`:                  `{{ "a" % 1 }}`,
		`{% for i in [1, 2] %}{{ "<%d>" % i }}{% endfor %}`:   "<1><2>",
		`{{ "%s" % [1, 2] }}{{ "é%sé" % (1,) }}`:              "[1, 2]é1é",
		`{{ ("%s" % x)|length }}{{ "a" if "%d" % 1 == "1" }}`: "4a",
	} {
		got, err := render(source, map[string]any{"x": "text", "n": 3, "_": catalogue(nil).translate})
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", source, got, err, want)
		}
	}
}

func TestErrorsOfTemplates(t *testing.T) {
	for _, source := range []string{
		`{{ "%s %s" % "a" }}`, `{{ "%d" % "a" }}`, `{{ "%(x)s" % {"y": 1} }}`, `{{ "%" % 1 }}`, `{{ "%q" % 1 }}`, `{{ "a" % 1 }}`,
		`{{ "%s" % }}`, `{{ "%s" % (1 }}`, `{{ _( % 1 }}`, `{% include "/etc/passwd" %}`, `{% import "x" as y %}`, `{{ nope.x.y }}`, `{{`, `{% if %}`,
	} {
		if got, err := render(source, map[string]any{"_": catalogue(nil).translate}); err == nil {
			t.Errorf("%s: %q", source, got)
		}
	}
}

func FuzzCatalogue(f *testing.F) {
	f.Add([]byte("\xde\x12\x04\x95\x00\x00\x00\x00\x01\x00\x00\x00\x1c\x00\x00\x00\x24\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parseMO(b); err == nil && len(m) > len(b) {
			t.Errorf("%d messages in %d bytes", len(m), len(b))
		}
	})
}

func FuzzRender(f *testing.F) {
	f.Add(`{{ "%s" % (1, [2]) }}`)
	f.Add(`{{ _("a") % x -}}{% if "%" % "" %}`)
	f.Fuzz(func(t *testing.T, source string) {
		if strings.Contains(source, "range") || strings.Contains(source, "*") || len(source) > 200 {
			return // a template may ask for more memory than there is
		}
		render(source, map[string]any{"x": "text"})
	})
}
