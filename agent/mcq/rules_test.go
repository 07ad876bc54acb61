package mcq

import (
	"fmt"
	"testing"
)

// The table of PROTOCOL.md 6.5, and what 6.2 says of empty texts and languages.
func TestVersions(t *testing.T) {
	const central = `{"q": {"type": "match", "answer": "1", "centralize": true}}`
	const noProblems, fault = `{}`, `{"q": {"type": "code"}}`
	for name, c := range map[string]struct {
		rules                Rules
		state                string // of a failure, sent "kept"
		central, empty, norw string
	}{
		"0.7":   {Rules07, "", "Correct answer", "header", "Wrong answer"},
		"0.8.0": {Rules080, "", "Correct answer", "header", "Wrong answer"},
		"0.8.1": {Rules081, "kept", "Correct answer", "header", "Wrong answer"},
		"0.8.5": {Rules085, "kept", "", "header", "Wrong answer"},
		"0.9":   {Rules09, "kept", "", "", "Feil svar"},
		"HEAD":  {RulesHead, "kept", "", "", "Feil svar"},
		"other": {Rules(200), "kept", "", "", "Feil svar"},
	} {
		t.Run(name, func(t *testing.T) {
			e, dir := newExecutor(t, c.rules)
			writeMO(t, dir, "course/task/$i18n/xx.mo", "", "header")
			for _, problems := range []string{noProblems, fault} {
				res := e.Run(t.Context(), newJob(t, problems, `{"@state": "kept"}`), nil)
				if res.State != c.state {
					t.Errorf("%s: %s with state %q, want %q", problems, res.Status, res.State, c.state)
				}
			}
			want := "{}"
			if c.central != "" {
				want = fmt.Sprintf(`{"q":["success",%q]}`, c.central)
			}
			if res := e.Run(t.Context(), newJob(t, central, `{"q": "1"}`), nil); show(res.Problems) != want {
				t.Errorf("a centralized match: %s, want %s", show(res.Problems), want)
			}
			for lang, want := range map[string]string{"xx": "Wrong answer\n\n" + c.empty, "nb_NO": c.norw + "\n\n"} {
				if got := feedbackOf(t, e, `{"q": "1", "@lang": "`+lang+`"}`); got != want {
					t.Errorf("in %s: %q, want %q", lang, got, want)
				}
			}
		})
	}
}
