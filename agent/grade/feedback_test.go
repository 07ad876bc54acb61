package grade

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/watch"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// feedbackCase is a line of feedback_cases.jsonl: what a container returned or
// how it ended, and the fields of the AgentJobDone that Python made of it.
type feedbackCase struct {
	Gen           string
	Name          string
	Result        json.RawMessage `json:"container_result"`
	PreviousState string          `json:"previous_state"`
	Cause         *struct {
		Killed  string
		Timeout bool
		Retval  int
	}
	Done struct {
		Result   [2]string
		Grade    float64
		Problems json.RawMessage
		Tests    json.RawMessage
		Custom   json.RawMessage
		State    string
		Archive  json.RawMessage
		Stdout   *string
		Stderr   *string
	} `json:"job_done"`
}

// ending is what the cause of the case is for us.
func (c *feedbackCase) ending() ending {
	var e ending
	if c.Cause == nil {
		return e
	}
	if c.Cause.Timeout {
		e.cause = watch.ErrWallTime
	}
	if c.Cause.Killed == "killed" {
		e.cause = agent.ErrKilled
	}
	e.oomKill = c.Cause.Killed == "overflow"
	if c.Cause.Retval == -1 {
		e.lost = errors.New("lost")
	}
	return e
}

func TestRecordedFeedback(t *testing.T) {
	more, err := wiretest.CaseFiles("feedback_cases*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append([]string{filepath.Join("testdata", "feedback_cases.jsonl")}, more...) {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 64<<20)
		n := 0
		for ; lines.Scan(); n++ {
			c := feedbackCase{PreviousState: "PREV"} // where the recording leaves it out
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatalf("%s: line %d: %v", file, n+1, err)
			}
			t.Run(c.Gen+"/"+c.Name, func(t *testing.T) { checkFeedback(t, &c) })
		}
		if n == 0 || lines.Err() != nil {
			t.Errorf("%s: %d cases, %v", file, n, lines.Err())
		}
		fmt.Fprintf(t.Output(), "feedback_cases: %d cases\n", n)
	}
}

func checkFeedback(t *testing.T, c *feedbackCase) {
	var got wire.Result
	if status, text := forced(c.ending()); status != "" {
		got = wire.Result{Status: status, Text: text, State: c.PreviousState}
	} else {
		got = interpret(packed(t, c.Result), c.PreviousState)
	}
	got.Grade = agent.RoundGrade(got.Grade)
	want := c.Done
	if strings.HasSuffix(want.Result[1], "no result") { // ours says the same in other words
		want.Result[1] = unreadable + noResult
	}
	if got.Status != want.Result[0] || got.Text != want.Result[1] {
		t.Errorf("result %q %q, want %q", got.Status, got.Text, want.Result)
	}
	if got.Grade != want.Grade && !(math.IsNaN(got.Grade) && math.IsNaN(want.Grade)) {
		t.Errorf("grade %v, want %v", got.Grade, want.Grade)
	}
	if got.State != want.State {
		t.Errorf("state %q, want %q", got.State, want.State)
	}
	for _, m := range []struct {
		name string
		got  wire.Raw
		want json.RawMessage
	}{{"problems", got.Problems, want.Problems}, {"tests", got.Tests, want.Tests}, {"custom", got.Custom, want.Custom}} {
		if !sameJSON(t, m.got, m.want) {
			t.Errorf("%s %x, want %s", m.name, m.got, m.want)
		}
	}
	checkOutputs(t, got, want.Archive, want.Stdout, want.Stderr)
}

func checkOutputs(t *testing.T, got wire.Result, archive json.RawMessage, stdout, stderr *string) {
	for _, o := range []struct {
		got  wire.Nullable
		want *string
	}{{got.Stdout, stdout}, {got.Stderr, stderr}} {
		if o.got.Null != (o.want == nil) || o.want != nil && o.got.Value != *o.want {
			t.Errorf("output %+v, want %v", o.got, o.want)
		}
	}
	var want struct {
		B64 *string `json:"$b64"`
	}
	if err := json.Unmarshal(archive, &want); err != nil || want.B64 == nil {
		// nil; or the text that Python sent where it could not decode one, which
		// we leave out: no webapp can do anything with it.
		if got.Archive != nil {
			t.Errorf("archive %x, want none", got.Archive)
		}
		return
	}
	bytes, err := base64.StdEncoding.DecodeString(*want.B64)
	if err != nil {
		t.Fatal(err)
	}
	if got.Archive == nil || string(got.Archive) != string(bytes) {
		t.Errorf("archive %x, want %x", got.Archive, bytes)
	}
}

// sameJSON compares a msgpack value with a JSON one.
func sameJSON(t *testing.T, got wire.Raw, want json.RawMessage) bool {
	if len(got) == 0 {
		got = wire.Raw{0x80}
	}
	var text strings.Builder
	if _, err := msgp.UnmarshalAsJSON(&text, got); err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(text.String()), &a), json.Unmarshal(want, &b)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(a, b)
}

// packed turns the JSON of a case into msgpack as Python would: numbers with a
// point are floats. No JSON is no result.
func packed(t *testing.T, text json.RawMessage) wire.Raw {
	if text == nil || string(text) == "null" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	b, err := appendValue(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func appendValue(b []byte, v any) (_ []byte, err error) {
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			f, err := v.Float64()
			return msgp.AppendFloat64(b, f), err
		}
		n, err := v.Int64()
		return msgp.AppendInt64(b, n), err
	case map[string]any:
		if f, ok := v["$float"].(string); ok {
			return msgp.AppendFloat64(b, map[string]float64{"nan": math.NaN(), "inf": math.Inf(1), "-inf": math.Inf(-1)}[strings.ToLower(f)]), nil
		}
		b = msgp.AppendMapHeader(b, uint32(len(v)))
		for key, value := range v {
			if b, err = appendValue(msgp.AppendString(b, key), value); err != nil {
				return nil, err
			}
		}
		return b, nil
	case []any:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for _, value := range v {
			if b, err = appendValue(b, value); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
	return msgp.AppendIntf(b, v)
}
