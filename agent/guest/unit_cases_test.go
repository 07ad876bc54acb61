package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
	"github.com/ingot-grading/ingot/agent/guest/rst"
	"github.com/ingot-grading/ingot/agent/guest/tool"
)

// unitCase is one call of a function of the originals. The output is JSON.
type unitCase struct {
	Fn    string          `json:"fn"`
	In    json.RawMessage `json:"in"`
	Out   json.RawMessage `json:"out"`
	Error bool            `json:"error"`
}

// unitOutcome is what a function gave: JSON, or an error.
type unitOutcome struct {
	Why   string          `json:"why,omitempty"` // in mended_unit.json
	Out   json.RawMessage `json:"out,omitempty"`
	Error bool            `json:"error,omitempty"`
}

const mendedUnit = "testdata/mended_unit.json"

// unitCases calls f for each recorded call, with what ours shall give.
func unitCases(t *testing.T, f func(c unitCase, want unitOutcome)) {
	t.Helper()
	b, err := os.ReadFile(mendedUnit)
	if err != nil {
		t.Fatal(err)
	}
	ours := decodeLine[map[string]unitOutcome](t, b)
	eachCase(t, "toolkit_unit_cases", func(c unitCase) {
		want, ok := ours[c.name()]
		if !ok {
			want = unitOutcome{Out: c.Out, Error: c.Error}
		}
		f(c, want)
	})
}

func (c unitCase) name() string { return c.Fn + " " + string(c.In) }

func TestRecordedFunctions(t *testing.T) {
	differ := map[string]unitOutcome{}
	unitCases(t, func(c unitCase, want unitOutcome) {
		out, err := call(t, c)
		got := unitOutcome{Error: err != nil, Out: json.RawMessage(out)}
		if got.Error != want.Error || !got.Error && out != jsonOf(t, want.Out) {
			t.Errorf("%s: got %s (%v), want %s", c.name(), out, err, want.Out)
		}
		if got.Error != c.Error || !got.Error && out != jsonOf(t, c.Out) {
			got.Why = map[string]string{"dedent": "R1", "escape": "F11"}[c.Fn]
			differ[c.name()] = got
		}
	})
	if *mend {
		b, err := json.MarshalIndent(differ, "", " ")
		if err := errors.Join(err, os.WriteFile(mendedUnit, append(b, '\n'), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// jsonOf is a value of a case as our programs write it.
func jsonOf(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	v, err := pyjson.Parse(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return jsonText(t, v)
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := pyjson.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var errNo = fmt.Errorf("no")

// call calls our function and returns its result as JSON.
func call(t *testing.T, c unitCase) (string, error) {
	v, err := pyjson.Parse(string(c.In))
	if err != nil {
		t.Fatal(err)
	}
	in, _ := v.(string)
	var out any
	switch c.Fn {
	case "json":
		if v, err = pyjson.Parse(in); err != nil {
			return "", err
		}
		out = jsonText(t, v)
	case "float":
		f, ok := pytext.Float(in)
		if !ok {
			return "", errNo
		}
		out = jsonText(t, f)
	case "int":
		i, ok := pytext.Int(in)
		if !ok {
			return "", errNo
		}
		out = i
	case "custom":
		out = jsonText(t, pyjson.Number(in))
	case "str":
		if v, err = pyjson.Parse(in); err != nil {
			return "", err
		}
		out, _ = pyjson.Text(v)
	case "escape":
		out, err = pytext.Unescape(in)
	case "lines":
		out = list(pytext.Lines(in))
	case "shlex":
		var words []string
		words, err = pytext.Words(in)
		out = list(words)
	case "ext":
		out = pytext.Ext(in)
	case "dedent":
		args := v.([]any)
		out, err = dedent(args)
	default:
		t.Fatalf("no function %q", c.Fn)
	}
	if err != nil {
		return "", err
	}
	return jsonText(t, out), nil
}

func list(words []string) []any {
	out := []any{}
	for _, w := range words {
		out = append(out, w)
	}
	return out
}

func dedent(args []any) (string, error) {
	var n int64
	if _, err := fmt.Sscan(string(args[0].(pyjson.Int)), &n); err != nil {
		return "", err
	}
	return strings.TrimSuffix(rst.Indent(args[2].(string), args[1].(string), n), "\n"), nil
}

// argsCase is a command line and the request that it makes.
type argsCase struct {
	Cmd     []string        `json:"cmd"`
	Exit    int             `json:"exit"`
	Request *map[string]any `json:"request"`
}

func TestRecordedCommandLines(t *testing.T) {
	eachCase(t, "toolkit_args_cases", func(c argsCase) {
		e := &tool.Env{Prog: c.Cmd[0], Args: c.Cmd[1:], Stdout: new(strings.Builder), Stderr: new(strings.Builder)}
		parse := parseRunStudent
		if c.Cmd[0] == "ssh_student" {
			parse = parseSSHStudent
		}
		r, err := parse(e)
		if code := e.Exit(err); code != c.Exit {
			t.Errorf("%q: exit %d, want %d", c.Cmd, code, c.Exit)
			return
		}
		c.check(t, map[string]any{
			"command": r.Command, "environment": r.Container, "time_limit": r.Time,
			"hard_time_limit": r.HardTime, "memory_limit": r.Memory,
			"share_network": r.ShareNetwork, "ssh": r.SSH, "run_as_root": r.RunAsRoot, "teardown_script": r.Teardown,
		})
	})
}

// check compares the fields of a request with the recorded one, if there was one.
func (c argsCase) check(t *testing.T, got map[string]any) {
	t.Helper()
	if c.Request == nil {
		return
	}
	// One "--" before the command is not part of it (TOOLKIT.md 12, S2).
	if command, ok := (*c.Request)["command"].(string); ok {
		(*c.Request)["command"] = strings.TrimPrefix(command, "-- ")
	}
	for k, want := range *c.Request {
		have, err := json.Marshal(got[k])
		wanted, err2 := json.Marshal(want)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if string(have) != string(wanted) {
			t.Errorf("%q: %s is %s, want %s", c.Cmd, k, have, wanted)
		}
	}
}

// An entry in mended.json that says what was recorded anyway has no use.
func TestMendedCasesDiffer(t *testing.T) {
	recorded := make(map[string]toolCase)
	for _, c := range toolCases(t, recordedTools) {
		recorded[c.Name] = c
	}
	for name, ours := range mended(t) {
		c, ok := recorded[name]
		if !ok {
			t.Errorf("%s: no such case", name)
		}
		if same(normal(c, c.outcome), normal(c, ours)) {
			t.Errorf("%s: as it was recorded", name)
		}
		if ours.Why == "" {
			t.Errorf("%s: nobody knows why", name)
		}
	}
}
