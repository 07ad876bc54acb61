package mcq

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// recorded is a job that the original agent was given, and its answer.
type recorded struct {
	Gen    string `json:"gen"`
	Name   string `json:"name"`
	NewJob struct {
		CourseID        *string         `json:"course_id"`
		TaskID          *string         `json:"task_id"`
		TaskProblems    json.RawMessage `json:"task_problems"`
		InputData       json.RawMessage `json:"inputdata"`
		EnvironmentType string          `json:"environment_type"`
		Environment     string          `json:"environment"`
	} `json:"new_job"`
	JobDone *struct {
		Result   [2]string       `json:"result"`
		Grade    float64         `json:"grade"`
		Problems json.RawMessage `json:"problems"`
		Tests    json.RawMessage `json:"tests"`
		Custom   json.RawMessage `json:"custom"`
		State    string          `json:"state"`
		Archive  *string         `json:"archive"`
		Stdout   *string         `json:"stdout"`
		Stderr   *string         `json:"stderr"`
	} `json:"job_done"`
}

// rulesOf maps the version of a recording to its rules.
var rulesOf = map[string]Rules{
	"0.7.4": Rules07, "0.8.0": Rules080, "0.8.1": Rules081, "0.8.4": Rules081,
	"0.8.5": Rules085, "0.8.9": Rules085, "0.9.3": Rules09, "HEAD": RulesHead,
}

// genericCrash is all that the original said where it threw. The text here is
// to be better, so it is the one text that is not compared.
const genericCrash = "An unknown error occurred in the agent. Please contact your course administrator."

// TestRecordedCases runs what the original was recorded to do. INGOT_CASES may
// name a folder with more recordings.
func TestRecordedCases(t *testing.T) {
	files, err := filepath.Glob("testdata/mcq_cases*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded cases", err)
	}
	more, err := wiretest.CaseFiles("mcq_cases*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, more...) {
		t.Run(filepath.Base(file), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	executors := map[Rules]*Executor{}
	for _, r := range rulesOf {
		e, dir := newExecutor(t, r)
		writeMO(t, dir, "course/i18ntask/$i18n/xx.mo", "", "Content-Type: text/plain; charset=UTF-8\n",
			"ok", "OK-XX", "err", "ERR-XX", "fb A", "FB-A-XX")
		executors[r] = e
	}
	cases := 0
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	for lines.Scan() {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		rules, known := rulesOf[c.Gen]
		if !known {
			t.Fatalf("case %q: rules of %s are not known", c.Name, c.Gen)
		}
		cases++
		t.Run(c.Gen+"/"+c.Name, func(t *testing.T) { c.check(t, executors[rules]) })
	}
	if cases == 0 {
		t.Error("the file has no cases")
	}
	fmt.Fprintf(t.Output(), "mcq_cases: %d cases\n", cases)
}

func (c *recorded) check(t *testing.T, e *Executor) {
	job := newJob(t, string(c.NewJob.TaskProblems), string(c.NewJob.InputData))
	job.CourseID, job.TaskID = nullable(c.NewJob.CourseID), nullable(c.NewJob.TaskID)
	job.EnvironmentType, job.Environment = c.NewJob.EnvironmentType, c.NewJob.Environment
	got := e.Run(t.Context(), job, nil)
	if c.JobDone == nil { // the original never answered
		if got.Status == "" {
			t.Error("no answer")
		}
		return
	}
	want := *c.JobDone
	if got.Status != want.Result[0] || got.Grade != want.Grade || got.State != want.State {
		t.Errorf("got %s, %v, state %q\nwant %s, %v, state %q (text %q)",
			got.Status, got.Grade, got.State, want.Result[0], want.Grade, want.State, got.Text)
	}
	if want.Result == [2]string{"crash", genericCrash} {
		if got.Text == "" || got.Text == genericCrash {
			t.Errorf("the text %q does not say what is wrong", got.Text)
		}
	} else if got.Text != want.Result[1] {
		t.Errorf("text\n got %q\nwant %q", got.Text, want.Result[1])
	}
	sameMap(t, "problems", got.Problems, want.Problems)
	sameMap(t, "tests", got.Tests, want.Tests)
	sameMap(t, "custom", got.Custom, want.Custom)
	if (got.Archive == nil) != (want.Archive == nil) {
		t.Errorf("archive %v, want %v", got.Archive, want.Archive)
	}
	if got.Stdout != nullable(want.Stdout) || got.Stderr != nullable(want.Stderr) {
		t.Errorf("stdout %v, stderr %v", got.Stdout, got.Stderr)
	}
}

func nullable(s *string) wire.Nullable {
	if s == nil {
		return wire.Nullable{Null: true}
	}
	return wire.Nullable{Value: *s}
}

// sameMap compares byte for byte, so order and types count.
func sameMap(t *testing.T, name string, got wire.Raw, want json.RawMessage) {
	t.Helper()
	if len(got) == 0 {
		got = wire.Raw{0x80}
	}
	if !bytes.Equal(got, pack(t, string(want))) {
		t.Errorf("%s\n got %s\nwant %s", name, show(got), want)
	}
}
