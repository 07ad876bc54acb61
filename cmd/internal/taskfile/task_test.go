package taskfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
)

// asJSON shows what is sent.
func asJSON(t *testing.T, raw wire.Raw, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := msgp.UnmarshalAsJSON(&b, raw); err != nil {
		t.Fatal(err)
	}
	if err := (wire.Limits{}).Check(raw); err != nil {
		t.Error(err)
	}
	return b.String()
}

func TestTasks(t *testing.T) {
	const none = `{"network_grading":false,"limits":{}}`
	for name, c := range map[string]struct{ text, env, parameters, problems string }{
		"of today": {
			"environment_type: kata\nenvironment_id: py\nenvironment_parameters:\n  limits: {time: 30, hard_time: '60', memory: 100, disk: 5}\n" +
				"  run_cmd: ''\n  network_grading: on\nproblems:\n  q: {type: code, name: Q}\n  b: {type: code}\n",
			"kata/py", `{"limits":{"time":30,"hard_time":"60","memory":100,"disk":5},"run_cmd":"","network_grading":true}`, `{"q":{"type":"code","name":"Q"},"b":{"type":"code"}}`,
		},
		"old":          {"environment: c\nlimits: {memory: 64}\nrun_cmd: x\nnetwork_grading: no\n", "docker/c", `{"limits":{"memory":64,"time":20,"disk":1024,"hard_time":60},"run_cmd":"x","network_grading":false}`, `{}`},
		"old quiz":     {"environment: mcq\nlimits: {time: 1}\nproblems: {m: {type: match, answer: 1e3}}", "mcq/mcq", `{}`, `{"m":{"type":"match","answer":"1e3"}}`},
		"ssh":          {"environment_type: docker\nenvironment_id: c\nenvironment_parameters: {ssh_allowed: yes}", "docker-ssh/c", `{"ssh_allowed":true,"network_grading":false,"limits":{}}`, `{}`},
		"ssh already":  {"environment_type: docker-ssh\nenvironment_id: c\nenvironment_parameters: {ssh_allowed: yes}", "docker-ssh/c", `{"ssh_allowed":true,"network_grading":false,"limits":{}}`, `{}`},
		"new over old": {"environment: o\nrun_cmd: o\nenvironment_type: kata\nenvironment_id: n\nenvironment_parameters: {run_cmd: n}", "kata/n", `{"run_cmd":"n","network_grading":false,"limits":{}}`, `{}`},
		"nothing":      {"name: x\naccessible: 2026-01-01/2026-02-01\nstart: 2026-01-01\nbig: 99999999999999999999999\nproblems:\n", "/", none, `{}`},
		"a half limit": {"environment: c\nlimits: {time: 1.5}", "docker/c", `{"limits":{"time":1.5,"memory":1024,"disk":1024,"hard_time":4.5},"network_grading":false}`, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			task, err := Parse([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if env := task.EnvironmentType + "/" + task.Environment; env != c.env {
				t.Errorf("environment %s, want %s", env, c.env)
			}
			p, err := task.Parameters(Change{})
			if got := asJSON(t, p, err); got != c.parameters {
				t.Errorf("parameters\n%s, want\n%s", got, c.parameters)
			}
			p, err = task.Problems()
			if got := asJSON(t, p, err); got != c.problems {
				t.Errorf("problems\n%s, want\n%s", got, c.problems)
			}
		})
	}
}

// What is asked for on top of a file replaces what it says, and nothing else.
func TestChanges(t *testing.T) {
	cmd := "go"
	task, err := Parse([]byte("environment: c\nlimits: {time: 5, memory: 64, disk: 1}\nrun_cmd: x\nother: y"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := task.Parameters(Change{Time: 7, Network: true, RunCmd: &cmd})
	if got, want := asJSON(t, p, err), `{"limits":{"time":7,"memory":64,"disk":1,"hard_time":21},"run_cmd":"go","network_grading":true}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	p, err = task.Parameters(Change{HardTime: 9})
	if got, want := asJSON(t, p, err), `{"limits":{"time":5,"memory":64,"disk":1,"hard_time":9},"run_cmd":"x","network_grading":false}`; got != want {
		t.Errorf("the second time: got %s, want %s", got, want)
	}
	p, err = new(Task).Parameters(Change{Memory: 3})
	if got, want := asJSON(t, p, err), `{"network_grading":false,"limits":{"memory":3}}`; got != want {
		t.Errorf("without a file: got %s, want %s", got, want)
	}
}

func TestProblemsWithSeveralAnswers(t *testing.T) {
	task, err := Parse([]byte("problems:\n  a: {type: multiple_choice, multiple: yes}\n  b: {type: multiple_choice}\n  c: {type: match, multiple: true}"))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"a": true, "b": false, "c": false, "d": false} {
		if task.Multiple(id) != want {
			t.Errorf("%s: want %v", id, want)
		}
	}
	for text, want := range map[string]bool{
		"1": true, "'no'": true, "0.5": true, "[0]": true, "{a: 0}": true, "!!binary aGk=": true, "99999999999999999999": true, "18446744073709551615": true,
		"0": false, "''": false, "0.0": false, "-0.0": false, "[]": false, "{}": false, "~": false, "off": false, "!!binary ''": false,
	} {
		task, err := Parse([]byte("problems: {q: {type: multiple_choice, multiple: " + text + "}}"))
		if err != nil || task.Multiple("q") != want {
			t.Errorf("multiple: %s: want %v (%v)", text, want, err)
		}
	}
	if new(Task).Multiple("a") {
		t.Error("without problems there are several answers")
	}
}

func TestRefusedTasks(t *testing.T) {
	for text, want := range map[string]string{
		"- a":                                      "not a mapping",
		"":                                         "not a mapping",
		"problems: [a]":                            "problems: not a mapping",
		"problems: {1: {type: code}}":              "quotes",
		"problems: {on: {type: code}}":             "quotes",
		"problems: {a: code}":                      "problem a",
		"environment: 3":                           "environment: not text",
		"environment_parameters: 3":                "environment_parameters",
		"environment_parameters: {limits: 3}":      "limits",
		"environment: c\nlimits: many":             "limits",
		"problems: {q: {since: 2026-01-01}}":       "q: since: a date cannot be sent",
		"problems: {q: {n: 99999999999999999999}}": "64 bits",
	} {
		task, err := Parse([]byte(text))
		if err == nil {
			_, err = task.Problems()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it to say %q", text, err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, "c", "t")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(at, "task.yaml")
	if err := os.WriteFile(file, []byte("environment: py"), 0o600); err != nil {
		t.Fatal(err)
	}
	if task, err := Load(dir, "c", "t"); err != nil || task.Environment != "py" {
		t.Errorf("loaded %+v, %v", task, err)
	}
	for _, bad := range [][2]string{{"", "t"}, {"c", ""}, {"..", "t"}, {"c", "../../c/t"}, {"/c", "t"}, {"c", "u"}} {
		if _, err := Load(dir, bad[0], bad[1]); err == nil {
			t.Errorf("%q is loaded", bad)
		}
	}
	if err := os.WriteFile(file, bytes.Repeat([]byte("#"), maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, "c", "t"); err == nil {
		t.Error("a large file is loaded")
	}
}
