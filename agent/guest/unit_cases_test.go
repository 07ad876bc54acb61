package guest

import (
	"encoding/json"
	"fmt"
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

// better lists the inputs for which we do better, by function (TOOLKIT.md 12: F11, R1).
func better(fn, in string) bool {
	switch fn {
	case "escape": // code points stand for themselves
		return strings.ContainsAny(in, "uUN4567")
	case "dedent": // what is inside a line is not indentation
		return true
	}
	return false
}

func TestRecordedFunctions(t *testing.T) {
	n := 0
	lines(t, "testdata/toolkit_unit_cases.jsonl.gz", func(line []byte) {
		c := decodeLine[unitCase](t, line)
		n++
		got, err := call(t, c)
		if err != nil {
			if !c.Error {
				t.Errorf("%s(%s): %v, want %s", c.Fn, c.In, err, c.Out)
			}
			return
		}
		if c.Error {
			if !better(c.Fn, string(c.In)) {
				t.Errorf("%s(%s) = %s, want an error", c.Fn, c.In, got)
			}
			return
		}
		want, err := pyjson.Parse(string(c.Out))
		if err != nil {
			t.Fatal(err)
		}
		if text := jsonText(t, want); text != got && !better(c.Fn, string(c.In)) {
			t.Errorf("%s(%s) = %s, want %s", c.Fn, c.In, got, text)
		}
	})
	t.Logf("toolkit_unit_cases: %d cases", n)
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
	n := 0
	lines(t, "testdata/toolkit_args_cases.jsonl.gz", func(line []byte) {
		c := decodeLine[argsCase](t, line)
		n++
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
		if c.Request == nil {
			return
		}
		var environment any
		if r.Container != nil {
			environment = *r.Container
		}
		got := map[string]any{
			"command": r.Command, "environment": environment, "time_limit": float64(r.Time),
			"hard_time_limit": float64(r.HardTime), "memory_limit": float64(r.Memory),
			"share_network": r.ShareNetwork, "ssh": r.SSH, "run_as_root": r.RunAsRoot, "teardown_script": r.Teardown,
		}
		// One "--" before the command is not part of it (TOOLKIT.md 12, S2).
		if command, ok := (*c.Request)["command"].(string); ok {
			(*c.Request)["command"] = strings.TrimPrefix(command, "-- ")
		}
		for k, want := range *c.Request {
			if got[k] != want {
				t.Errorf("%q: %s is %v, want %v", c.Cmd, k, got[k], want)
			}
		}
	})
	t.Logf("toolkit_args_cases: %d cases", n)
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
