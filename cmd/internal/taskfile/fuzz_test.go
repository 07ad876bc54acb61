package taskfile

import (
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// Whatever a file holds: it is refused, or what is sent of it is well formed.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"environment: c\nlimits: {time: 5, memory: 64}\nproblems:\n  q: {type: multiple_choice, multiple: yes, choices: [{text: a, valid: on}]}\n",
		"problems: &p {a: &a {b: 1, <<: {c: 2}}, d: *a}\nenvironment_parameters: {<<: [*p, {limits: {time: 12:30:00}}]}\n",
		"problems: {q: {x: !!binary aGk=, y: 1.e+3, z: 0x_f, w: -0b1, ? 1 : ~, ? true : [.inf, 2026-01-01]}}\n",
		"&a [*a]", "? [a]\n: |\n  b\n", "a: !!int ''\n", "%YAML 1.1\n--- {}\n...\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		task, err := Parse(text)
		if err != nil {
			return
		}
		for name, get := range map[string]func() (wire.Raw, error){
			"problems":   task.Problems,
			"parameters": func() (wire.Raw, error) { return task.Parameters(Change{Time: 1}) },
		} {
			raw, err := get()
			if err != nil {
				continue
			}
			if err := (wire.Limits{Items: 2 * maxValues}).Check(raw); err != nil {
				t.Errorf("%s %q: %v", name, raw, err)
			}
		}
	})
}
