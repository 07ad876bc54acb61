package mcq

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
)

// What is not among the recorded cases, with HEAD's rules.
func TestRun(t *testing.T) {
	multi := func(extra string) string {
		return `{"q": {"type": "multiple_choice", "multiple": true, ` + extra + `"choices": [
			{"text": "a", "valid": 1, "feedback": "A"}, {"text": "b", "feedback": "B"}, {"text": "c", "valid": "yes"}]}}`
	}
	single := func(extra string) string {
		return `{"q": {"type": "multiple_choice", ` + extra + `"choices": [{"text": "a", "valid": true, "feedback": "_correct_answer"}, {"text": "b"}]}}`
	}
	for _, c := range []struct{ name, problems, inputs, want string }{
		{"feedback in the order of the answer, once per element", multi(""), `{"q": ["2", 1, "0", 1]}`,
			`failed 0 {"q":["failed","Wrong answer. Make sure to select all the valid possibilities\n\nB\n\nA\n\nB"]}`},
		{"an index that is no canonical number counts as absent", multi(""), `{"q": [" 0 ", "2"]}`,
			`failed 0 {"q":["failed","Wrong answer. Make sure to select all the valid possibilities\n\nA"]}`},
		{"numbers equal as in Python", multi(""), `{"q": [false, 2.0]}`, `success 100 {"q":["success","A"]}`},
		{"a limit of zero is none", multi(`"limit": 0, `), `{"q": [0, 2]}`, `success 100 {"q":["success","A"]}`},
		{"a limit of all good choices", multi(`"limit": 2, `), `{"q": [0, 2]}`, `success 100 {"q":["success","A"]}`},
		{"a limit does not count the answer", multi(`"limit": 2, `), `{"q": [0, 2, 1]}`,
			`failed 0 {"q":["failed","Wrong answer. Make sure to select all the valid possibilities\n\nA\n\nB"]}`},
		{"a limit of one with a single answer", single(`"limit": true, `), `{"q": 0}`, `success 100 {"q":["success","Correct answer"]}`},
		{"a marker written by the author", single(""), `{"q": 0, "@lang": "fr"}`, `success 100 {"q":["success","Bonne réponse"]}`},
		{"every marker", `{"q": {"type": "multiple_choice", "success_message": "_wrong_answer_multiple", "choices": [
			{"text": "a", "valid": true, "feedback": "_wrong_answer"}]}}`, `{"q": 0}`,
			`success 100 {"q":["success","Wrong answer. Make sure to select all the valid possibilities\n\nWrong answer"]}`},
		{"messages absent", single(""), `{"q": "1"}`, `failed 0 {"q":["failed","Wrong answer"]}`},
		{"centralize keeps the error message", single(`"centralize": true, "error_message": "E", `), `{"q": "1"}`, `failed 0 {"q":["failed","E"]}`},
		{"nil messages are none", single(`"error_message": null, `), `{"q": "1"}`, `failed 0 {"q":["failed","Wrong answer"]}`},
		{"a limit below the good choices with a single answer", `{"q": {"type": "multiple_choice", "limit": 1, "choices": [
			{"text": "a", "valid": true}, {"text": "b", "valid": true}]}}`, `{"q": 1}`, `success 100 {}`},
		{"nil is no message and no feedback", `{"q": {"type": "multiple_choice", "success_message": null, "choices": [
			{"text": "a", "valid": true, "feedback": null}]}}`, `{"q": 0}`, `success 100 {}`},
		{"an empty feedback is one", `{"q": {"type": "multiple_choice", "choices": [{"text": "a", "valid": true, "feedback": ""}]}}`,
			`{"q": 0}`, `success 100 {"q":["success",""]}`},
		{"blank to strip but not to int", `{"q": {"type": "match", "answer": "42"}}`, `{"q": "\u001c42\u3000"}`, `success 100 {"q":["success","Correct answer"]}`},
		{"composed and decomposed letters differ", `{"q": {"type": "match", "answer": "\u00e9"}}`, `{"q": "e\u0301"}`, `failed 0 {"q":["failed","Wrong answer"]}`},
		{"a tuple to match", `{"q": {"type": "match", "answer": [1, "a"]}}`, `{"q": "(1, 'a')"}`, `success 100 {"q":["success","Correct answer"]}`},
		{"inputs under keys of other kinds", single(""), `{"$map": [[1, 2], [null, "x"], ["q", "0"]]}`, `success 100 {"q":["success","Correct answer"]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, _ := newExecutor(t, RulesHead)
			res := e.Run(t.Context(), newJob(t, c.problems, c.inputs), nil)
			if got := fmt.Sprint(res.Status, " ", res.Grade, " ", show(res.Problems)); got != c.want {
				t.Errorf("\n got %s %s\nwant %s", got, res.Text, c.want)
			}
		})
	}
}

// Where Python threw, the text says who has to do what.
func TestFaults(t *testing.T) {
	problem := func(body string) string { return `{"q": {` + body + `}}` }
	choices := `"choices": [{"text": "a", "valid": true}]`
	for _, c := range []struct{ problems, inputs, whose, want string }{
		{problem(`"type": "match", "answer": "42"`), `{}`, "answer", "no answer was received"},
		{problem(`"type": "match", "answer": "42"`), `{"q": 42}`, "answer", "not a text"},
		{problem(`"type": "match", "answer": "42"`), `{"q": {"$b64": "NDI="}}`, "answer", "not a text"},
		{problem(`"type": "match"`), `{"q": "1"}`, "task", "no answer to match"},
		{problem(`"type": "multiple_choice"`), `{"q": "1"}`, "task", "not a list"},
		{problem(`"type": "multiple_choice", "choices": {"a": 1}`), `{"q": "1"}`, "task", "not a list"},
		{problem(`"type": "multiple_choice", "choices": []`), `{"q": "1"}`, "task", "none of its choices"},
		{problem(`"type": "multiple_choice", "choices": ["text"]`), `{"q": "1"}`, "task", "choice 0"},
		{problem(`"type": "multiple_choice", ` + choices), `{}`, "answer", "no answer was received"},
		{problem(`"type": "multiple_choice", ` + choices), `{"q": null}`, "answer", "not the number"},
		{problem(`"type": "multiple_choice", ` + choices), `{"q": -1}`, "answer", "no such choice"},
		{problem(`"type": "multiple_choice", ` + choices), `{"q": 1}`, "answer", "no such choice"},
		{problem(`"type": "multiple_choice", ` + choices), `{"q": ["0"]}`, "answer", "not the number"},
		{problem(`"type": "multiple_choice", ` + choices), `{"q": 1e300}`, "answer", "no such choice"},
		{problem(`"type": "multiple_choice", "limit": 1.0, ` + choices), `{"q": 0}`, "task", "limit"},
		{problem(`"type": "multiple_choice", "limit": null, ` + choices), `{"q": 0}`, "task", "limit"},
		{problem(`"type": "multiple_choice", "success_message": 5, ` + choices), `{"q": 0}`, "task", "success_message is not a text"},
		{problem(`"type": "code"`), `{"q": "x"}`, "task", "configured as MCQ"},
		{problem(`"type": "file"`), `{"q": "x"}`, "task", "configured as MCQ"},
		{problem(`"type": "code_single_line"`), `{"q": "x"}`, "task", "configured as MCQ"},
		{problem(`"type": 5`), `{"q": "x"}`, "task", "type is not known"},
		{`{"q": "match"}`, `{"q": "x"}`, "task", "not a map"},
		{`{"a b": {}}`, `{}`, "task", "its id"},
		{`{"$map": [[5, {"type": "match", "answer": ""}]]}`, `{}`, "task", "its id"},
		{`[]`, `{}`, "task", "its problems"},
		{`null`, `{}`, "task", "its problems"},
		{`{}`, `[]`, "answer", "the inputs"},
	} {
		e, _ := newExecutor(t, RulesHead)
		job := newJob(t, c.problems, c.inputs)
		job.State = "kept"
		res := e.Run(t.Context(), job, nil)
		whose := "task cannot"
		if c.whose == "answer" {
			whose = "answer cannot"
		}
		if res.Status != "crash" || res.State != "kept" || !strings.Contains(res.Text, whose) || !strings.Contains(res.Text, c.want) {
			t.Errorf("%s for %s: %s %q, want that the %s …%s", c.problems, c.inputs, res.Status, res.Text, whose, c.want)
		}
		if c.whose == "answer" && strings.Contains(res.Text, "administrator") {
			t.Errorf("%s: sends the student to the administrator for an answer", res.Text)
		}
	}
}

// Bytes that are no msgpack end the job, wherever they are cut.
func TestBrokenBytes(t *testing.T) {
	e, _ := newExecutor(t, RulesHead)
	whole := newJob(t, oneChoice, inFrench)
	for i := 1; i < len(whole.TaskProblems); i++ {
		job := newJob(t, oneChoice, inFrench)
		job.TaskProblems = whole.TaskProblems[:i]
		if res := e.Run(t.Context(), job, nil); res.Status != "crash" {
			t.Fatalf("problems cut at %d: %s", i, res.Status)
		}
	}
	for i := 1; i < len(whole.InputData); i++ {
		job := newJob(t, oneChoice, inFrench)
		job.InputData = whole.InputData[:i]
		if res := e.Run(t.Context(), job, nil); res.Status != "crash" {
			t.Fatalf("inputs cut at %d: %s", i, res.Status)
		}
	}
	job := newJob(t, oneChoice, inFrench)
	job.TaskProblems = append(job.TaskProblems, 0xc0)
	if res := e.Run(t.Context(), job, nil); res.Status != "crash" {
		t.Errorf("bytes after the problems: %s", res.Status)
	}
}

func TestJobWithoutATaskIsGraded(t *testing.T) {
	e, _ := newExecutor(t, RulesHead)
	job := newJob(t, oneChoice, inFrench)
	job.CourseID, job.TaskID = wire.Nullable{Null: true}, wire.Nullable{Null: true}
	if res := e.Run(t.Context(), job, nil); res.Status != "success" {
		t.Errorf("%s %s", res.Status, res.Text)
	}
	job.CourseID = wire.Nullable{Value: "course"} // half of a task is none
	if res := e.Run(t.Context(), job, nil); res.Status != "crash" {
		t.Errorf("without a task id: %s", res.Status)
	}
}

func TestKilledJobIsNotGraded(t *testing.T) {
	e, _ := newExecutor(t, RulesHead)
	for cause, want := range map[error]string{agent.ErrKilled: "killed", agent.ErrStopping: "success"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		res := e.Run(ctx, newJob(t, oneChoice, `{"q": "0", "@state": "kept"}`), nil)
		if res.Status != want || want == "killed" && (res.Text != "" || res.State != "kept") {
			t.Errorf("%v: %s %q, state %q", cause, res.Status, res.Text, res.State)
		}
	}
}

func TestOtherEnvironment(t *testing.T) {
	e, _ := newExecutor(t, RulesHead)
	for _, env := range [][2]string{{"docker", "mcq"}, {"mcq", "python3"}} {
		job := newJob(t, oneChoice, inFrench)
		job.EnvironmentType, job.Environment = env[0], env[1]
		if res := e.Run(t.Context(), job, nil); res.Status != "crash" || res.Text != textNoEnvironment {
			t.Errorf("%s: %s %q", env, res.Status, res.Text)
		}
	}
}

// A short answer cannot ask for gigabytes of feedback, to one problem or to
// several.
func TestFeedbackIsBounded(t *testing.T) {
	e, _ := newExecutor(t, RulesHead)
	problem := `: {"type": "multiple_choice", "multiple": true, "choices": [{"text": "a", "valid": true, "feedback": "` + strings.Repeat("x", 1<<16) + `"}]}`
	answer := func(times int) string { return `: [0` + strings.Repeat(`,0`, times-1) + `]` }
	for _, c := range []struct{ inputs, want string }{
		{`{"q"` + answer(300) + `, "r"` + answer(1) + `}`, "crash"},
		{`{"q"` + answer(140) + `, "r"` + answer(140) + `}`, "crash"},
		{`{"q"` + answer(100) + `, "r"` + answer(100) + `}`, "success"},
	} {
		res := e.Run(t.Context(), newJob(t, `{"q"`+problem+`, "r"`+problem+`}`, c.inputs), nil)
		if res.Status != c.want || c.want == "crash" && !strings.Contains(res.Text, "too much feedback") {
			t.Errorf("%s %.100q, want %s", res.Status, res.Text, c.want)
		}
	}
}

// A job leaves nothing to the next one: not its texts, not what an unusual one
// needed. The rules stay.
func TestForget(t *testing.T) {
	for _, size := range []int{100, maxBuffer + 1} {
		g := &grading{
			rules: RulesHead.set(), say: &messages{}, texts: &catalogue{}, id: []byte("q"),
			choices: []choice{{good: true, feedback: value{0xc0}}}, lines: make([]byte, 10, size),
		}
		g.forget()
		if g.texts != nil || g.say != nil || g.id != nil || cap(g.choices) > 0 && g.choices[:1][0].feedback != nil {
			t.Errorf("after %d bytes: something of the job is left: %+v", size, g)
		}
		if cap(g.lines) > maxBuffer || !g.rules.centralMatch || !g.rules.keepsState {
			t.Errorf("after %d bytes: %d are kept, rules %+v", size, cap(g.lines), g.rules)
		}
	}
}

// A text that is translated into a marker stands for the agent's message.
func TestMarkersAreTranslated(t *testing.T) {
	e, dir := newExecutor(t, RulesHead)
	writeMO(t, dir, "course/task/$i18n/fr.mo", "hello", "_correct_answer")
	if got := feedbackOf(t, e, inFrench); got != "Bonne réponse" {
		t.Errorf("%q", got)
	}
}

// What authors write is not repeated at any length.
func TestFaultsAreShort(t *testing.T) {
	e, _ := newExecutor(t, RulesHead)
	long := strings.Repeat("x", 10000)
	for _, problems := range []string{`{"` + long + `": {"type": "match"}}`, `{"q": {"type": "` + long + `"}}`} {
		if res := e.Run(t.Context(), newJob(t, problems, `{}`), nil); res.Status != "crash" || len(res.Text) > 300 {
			t.Errorf("%s with a text of %d bytes", res.Status, len(res.Text))
		}
	}
}

// Texts that are not UTF-8 would be refused by webapps.
func TestTextsBecomeUTF8(t *testing.T) {
	e, dir := newExecutor(t, RulesHead)
	writeMO(t, dir, "course/task/$i18n/fr.mo", "hello", "caf\xe9")
	if got := feedbackOf(t, e, inFrench); got != "caf\uFFFD" {
		t.Errorf("%q", got)
	}
}

func TestNewRefuses(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for name, cfg := range map[string]Config{
		"no such directory": {Tasks: "/nonexistent", Log: log},
		"a file":            {Tasks: "doc.go", Log: log},
		"no directory":      {Log: log},
		"no logger":         {Tasks: "."},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestEnvironments(t *testing.T) {
	e, _ := newExecutor(t, RulesHead)
	got := e.Environments()
	if len(got) != 1 || got[0].Type != "mcq" || got[0].Name != "mcq" || got[0].ID != "mcq" || !got[0].Advertised {
		t.Errorf("%+v", got)
	}
	if e.Changed() != nil || e.Close(t.Context()) != nil {
		t.Error("there is nothing to change or to close")
	}
}

func TestGradesRoundHalfToEven(t *testing.T) {
	for _, c := range []struct {
		right, total int
		want         float64
	}{
		{0, 3, 0}, {3, 3, 100}, {1, 3, 33.33}, {2, 3, 66.67}, {5, 7, 71.43},
		{1, 32, 3.12}, {3, 32, 9.38}, {1, 160, 0.62}, {1, 800, 0.12}, {3, 800, 0.38}, {23, 160, 14.38}, // ties go to the even digit
	} {
		if got := percent(c.right, c.total); got != c.want {
			t.Errorf("%d of %d is %v, want %v", c.right, c.total, got, c.want)
		}
	}
}
