package mcq

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// FuzzSkip compares with the library, which recurses.
func FuzzSkip(f *testing.F) {
	f.Add([]byte{0x82, 0xa1, 'a', 0x91, 0xc0, 1, 0xd9, 1, 'x'})
	f.Add([]byte{0xde, 0, 1, 0xdc, 0, 0, 0xcf, 1, 2, 3, 4, 5, 6, 7, 8, 0xff})
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{0xc1})
	f.Fuzz(func(t *testing.T, b []byte) {
		want, wantErr := msgp.Skip(b)
		got, err := skip(b)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, the library says %v", err, wantErr)
		}
		if err == nil && len(got) != len(want) {
			t.Fatalf("%d bytes follow, the library says %d", len(got), len(want))
		}
	})
}

// FuzzRun holds what every result must be, whatever the job's bytes.
func FuzzRun(f *testing.F) {
	addRecorded(f)
	e, _ := newExecutor(f, RulesHead)
	f.Fuzz(func(t *testing.T, problems, inputs []byte) {
		job := newJob(t, `{}`, `{"@state": "old"}`)
		job.TaskProblems, job.InputData = bytes.Clone(problems), bytes.Clone(inputs)
		res := e.Run(t.Context(), job, nil)
		if !bytes.Equal(job.TaskProblems, problems) || !bytes.Equal(job.InputData, inputs) {
			t.Error("the job's bytes were changed")
		}
		clear(job.TaskProblems) // the result must not refer to the job
		clear(job.InputData)
		job.TaskProblems, job.InputData = problems, inputs
		if again := e.Run(t.Context(), job, nil); !reflect.DeepEqual(res, again) {
			t.Errorf("graded twice:\n%+v\n%+v", res, again)
		}
		if !utf8.ValidString(res.Text) || !utf8.ValidString(res.State) {
			t.Errorf("not UTF-8: %q, %q", res.Text, res.State)
		}
		switch res.Status {
		case "success", "failed":
			var state map[string]string
			if err := json.Unmarshal([]byte(res.State), &state); err != nil || len(state) == 0 {
				t.Errorf("state %q: %v", res.State, err)
			}
			if (res.Grade == 100) != (res.Status == "success") || res.Grade < 0 || res.Grade > 100 {
				t.Errorf("%s with %v", res.Status, res.Grade)
			}
		case "crash", "crashed":
			if res.Text == "" || res.Grade != 0 || res.State != "old" || len(res.Problems) != 0 {
				t.Errorf("%+v", res)
			}
		default:
			t.Errorf("status %q", res.Status)
		}
		checkProblems(t, res.Problems)
	})
}

// checkProblems wants a map of texts to pairs of UTF-8 texts.
func checkProblems(t *testing.T, raw []byte) {
	t.Helper()
	w, ok := topLevel(raw)
	for ok && w.left > 0 {
		key, entry := w.pair()
		id, isText := key.text()
		pair, isList := entry.items()
		if !isText || !validID(id) || !isList || pair.left != 2 {
			t.Fatalf("problems %x", raw)
		}
		for pair.left > 0 {
			if s, ok := pair.next().text(); !ok || !utf8.Valid(s) {
				t.Fatalf("problems %x", raw)
			}
		}
	}
	if !ok || !w.whole() {
		t.Fatalf("problems %x", raw)
	}
}

// addRecorded seeds the corpus with the recorded jobs.
func addRecorded(f *testing.F) {
	file, err := os.Open("testdata/mcq_cases.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			f.Fatal(err)
		}
		if c.Gen == "HEAD" {
			f.Add([]byte(pack(f, string(c.NewJob.TaskProblems))), []byte(pack(f, string(c.NewJob.InputData))))
		}
	}
	if err := lines.Err(); err != nil {
		f.Fatal(err)
	}
}
