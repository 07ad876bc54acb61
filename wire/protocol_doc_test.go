package wire

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documentedField is a field as PROTOCOL.md has it.
type documentedField struct {
	key string
	in  generations
}

// documented returns the fields of a layout as PROTOCOL.md should have them.
func (l *layout[T, M]) documented(read []documentedField) (should, does []documentedField) {
	for _, f := range l.fields {
		if f.in&l.in != 0 {
			should = append(should, documentedField{f.key, f.in & l.in})
		}
	}
	for _, f := range read {
		does = append(does, documentedField{f.key, f.in & l.in})
	}
	return should, does
}

// The tables of PROTOCOL.md and the layouts say the same.
func TestProtocolDocument(t *testing.T) {
	field := regexp.MustCompile("`(\\w+)` [^,`(]*(?:`\"ssh\"`)? ?(?:\\(([^)]*)\\))?")
	marks := map[string]generations{
		"": legacy | current, "4.1": legacy | current,
		"since 0.6": sinceG6, "since 0.8.1": only(G8b, G9, GH), "0.8.0 to 0.8.5": only(G8a, G8b),
	}
	read := func(cell string) (fields []documentedField) {
		for _, m := range field.FindAllStringSubmatch(cell, -1) {
			in, ok := marks[m[2]]
			if !ok {
				t.Errorf("%s: no generations are %q", m[1], m[2])
			}
			fields = append(fields, documentedField{m[1], in})
		}
		return fields
	}
	text, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	var results []documentedField
	rows := map[string][]documentedField{}
	section := ""
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		name := strings.Trim(cells[0], " `")
		switch {
		case strings.HasPrefix(line, "#"):
			section = line
		case currentSpellings[name] != nil || legacySpellings[name] != nil:
			rows[name] = read(cells[len(cells)-1])
			if strings.Contains(line, "then a result") {
				rows[name] = append(rows[name], documentedField{"a result", 0})
			}
		case strings.Contains(section, "Results") && strings.Contains(cells[0], "`"):
			results = append(results, read("`"+name+"` "+strings.TrimSpace(cells[1]))...)
		}
	}
	for name, s := range currentSpellings {
		if _, ok := rows[name]; !ok {
			t.Errorf("%s is not documented", name)
		}
		check(t, name, s, rows[name], results)
	}
	for name, s := range legacySpellings {
		if row, ok := rows[name]; ok {
			check(t, name, s, row, results)
		}
	}
}

func check(t *testing.T, name string, s spelling, row, results []documentedField) {
	t.Helper()
	if n := len(row) - 1; n >= 0 && row[n].key == "a result" {
		row = append(row[:n:n], results...)
	}
	should, does := s.(interface {
		documented([]documentedField) (should, does []documentedField)
	}).documented(row)
	if !slices.Equal(should, does) {
		t.Errorf("%s:\n    the code has %v\nthe document has %v", name, should, does)
	}
}
