package mcq

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// model is a problem, what a student answers, and what comes of it, computed
// the slow way.
type model struct {
	definition map[string]any
	answer     any
	valid      bool
	wrong      int
	messages   []string
}

// drawChoice draws a multiple choice problem and an answer to it.
func drawChoice(t *rapid.T) model {
	n := rapid.IntRange(1, 6).Draw(t, "choices")
	good := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "good")
	good[rapid.IntRange(0, n-1).Draw(t, "surely good")] = true
	var choices []any
	for i := range n {
		c := map[string]any{"text": "t", "valid": good[i]}
		if i%2 == 0 {
			c["feedback"] = fmt.Sprintf("f%d", i)
		}
		choices = append(choices, c)
	}
	m := model{definition: map[string]any{"type": "multiple_choice", "choices": choices}}
	marker := msgWrong
	picked := []int{rapid.IntRange(0, n-1).Draw(t, "picked")}
	m.answer = fmt.Sprint(picked[0])
	if m.definition["multiple"] = rapid.Bool().Draw(t, "multiple"); m.definition["multiple"] == true {
		marker = msgWrongMultiple
		picked = rapid.SliceOf(rapid.IntRange(0, n-1)).Draw(t, "all picked")
		m.answer = asAnswer(t, picked)
		for i := range n {
			if slices.Contains(picked, i) != good[i] {
				m.wrong++
			}
		}
	} else if !good[picked[0]] {
		m.wrong = 1
	}
	m.valid = m.wrong == 0
	if rapid.Bool().Draw(t, "own messages") {
		m.definition["success_message"], m.definition["error_message"] = "S", "E"
		m.messages = []string{map[bool]string{true: "S", false: "E"}[m.valid]}
	} else if !m.valid {
		m.messages = []string{marker}
	}
	for _, i := range picked {
		if i%2 == 0 {
			m.messages = append(m.messages, fmt.Sprintf("f%d", i))
		}
	}
	return m
}

// asAnswer writes indices as numbers or as decimals, as browsers and scripts do.
func asAnswer(t *rapid.T, picked []int) []any {
	answer := []any{}
	for _, i := range picked {
		if rapid.Bool().Draw(t, "as text") {
			answer = append(answer, fmt.Sprint(i))
		} else {
			answer = append(answer, i)
		}
	}
	return answer
}

func drawMatch(t *rapid.T) model {
	expected := rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "expected")
	given := rapid.SampledFrom([]string{expected, " " + expected + "\n", expected + "!", strings.ToUpper(expected)}).Draw(t, "given")
	m := model{definition: map[string]any{"type": "match", "answer": expected}, answer: given, messages: []string{msgWrong}}
	if m.valid = strings.TrimSpace(given) == expected; m.valid {
		m.messages = []string{msgCorrect}
	}
	return m
}

// Any set of problems is graded as the model says.
func TestAgainstModel(t *testing.T) {
	e, _ := newExecutor(t, RulesHead)
	rapid.Check(t, func(r *rapid.T) {
		models := rapid.SliceOfN(rapid.OneOf(rapid.Custom(drawChoice), rapid.Custom(drawMatch)), 1, 40).Draw(r, "models")
		var problems, inputs, state, entries []string
		right, wrong := 0, 0
		for i, m := range models {
			id := fmt.Sprintf(`"p%d": `, i)
			problems = append(problems, id+asJSON(r, m.definition))
			inputs = append(inputs, id+asJSON(r, m.answer))
			state = append(state, id+`""`)
			if m.valid {
				right++
			}
			wrong += m.wrong
			if len(m.messages) > 0 {
				entries = append(entries, id+asJSON(r, []string{status(m.valid), strings.Join(m.messages, "\n\n")}))
			}
		}
		slices.Reverse(inputs) // their order does not matter
		job := newJob(t, "{"+strings.Join(problems, ",")+"}", "{"+strings.Join(inputs, ",")+"}")
		res := e.Run(t.Context(), job, nil)
		want, _ := new(big.Rat).SetFrac64(int64(100*right), int64(len(models))).Float64()
		if res.Status != status(right == len(models)) || res.Grade < want-0.0051 || res.Grade > want+0.0051 {
			r.Errorf("%s %v %q, want grade %v", res.Status, res.Grade, res.Text, want)
		}
		if got := textOf(len(models)-right, wrong); res.Text != got {
			r.Errorf("text %q, want %q", res.Text, got)
		}
		if want := "{" + strings.Join(state, ", ") + "}"; res.State != want {
			r.Errorf("state %s, want %s", res.State, want)
		}
		if got, want := show(res.Problems), show(pack(t, "{"+strings.Join(entries, ",")+"}")); got != want {
			r.Errorf("problems\n got %s\nwant %s", got, want)
		}
	})
}

func textOf(problems, choices int) string {
	var lines []string
	if problems > 0 {
		lines = append(lines, fmt.Sprintf("You have %d wrong answer(s).", problems))
	}
	if choices > 0 {
		lines = append(lines, fmt.Sprintf("\n\nAmong them, you have %d invalid answers in the multiple choice questions", choices))
	}
	return strings.Join(lines, "\n")
}

func asJSON(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
