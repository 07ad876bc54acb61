package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

func TestDemo(t *testing.T) {
	const file = `
environment_type: docker
environment: demo
course: c
cases:
  - {task: a, expect: {status: success, grade: 100, text: fine}}
  - {task: b, limits: {time: 2, hard_time: 3, memory: 64}, inputs: {q: "1", "@state": s}, expect: {status: timeout}}
`
	right := func(j *wire.ClientNewJob) wire.Result {
		if j.TaskID.Value == "b" {
			return wire.Result{Status: "timeout", Grade: 7}
		}
		return wire.Result{Status: "success", Grade: 100, Text: "fine"}
	}
	wrong := func(*wire.ClientNewJob) wire.Result { return wire.Result{Status: "success", Grade: 99, Text: "fine"} }
	path := filepath.Join(t.TempDir(), "demo.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		answer func(*wire.ClientNewJob) wire.Result
		want   error
	}{"as expected": {right, nil}, "unlike": {wrong, errUnlike}} {
		t.Run(name, func(t *testing.T) {
			d := demoCmd{backendFlags: backendFlags{Backend: stub(t, c.answer), Patience: time.Minute}, File: path, AgentWait: time.Minute}
			if err := d.Run(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("ended with %v, want %v", err, c.want)
			}
		})
	}
}

func TestBadTables(t *testing.T) {
	for name, text := range map[string]string{
		"no yaml":       ": :",
		"unknown field": "environment: x\nspeed: 3\ncases: [{task: a}]",
		"no cases":      "environment: x",
	} {
		path := filepath.Join(t.TempDir(), "t.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readTable(path); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Problems and what the table leaves open come from the task files.
func TestDemoWithTasks(t *testing.T) {
	tasks := writeTask(t, "c", "t", "environment_type: mcq\nenvironment_id: mcq\nproblems: {q: {type: multiple_choice, multiple: on}}")
	for name, c := range map[string]struct{ table, want string }{
		"of the file":  {"course: c\ncases: [{task: t, inputs: {q: '1'}}]", "mcq/mcq"},
		"of the case":  {"course: c\nenvironment_type: docker\nenvironment: py\ncases: [{task: t, environment: js, inputs: {q: ['1']}}]", "docker/js"},
		"of the table": {"course: c\nenvironment_type: docker\nenvironment: py\ncases: [{task: t, inputs: {q: 1}}]", "docker/py"},
	} {
		path := filepath.Join(t.TempDir(), "t.yaml")
		if err := os.WriteFile(path, []byte(c.table), 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := readTable(path)
		if err != nil {
			t.Fatal(err)
		}
		job, err := table.job(&table.Cases[0], tasks)
		if err != nil {
			t.Fatal(err)
		}
		if env := job.EnvironmentType + "/" + job.Environment; env != c.want {
			t.Errorf("%s: %s, want %s", name, env, c.want)
		}
		if q, _ := wire.Lookup(job.InputData, "q"); string(q) != "\x91\xa11" {
			t.Errorf("%s: answers %q, want a list", name, q)
		}
		if _, ok := wire.Lookup(job.TaskProblems, "q"); !ok {
			t.Errorf("%s: problems %q", name, job.TaskProblems)
		}
	}
}

// writeTask writes a task file and returns the directory of its course.
func writeTask(t *testing.T, course, task, text string) string {
	t.Helper()
	dir := t.TempDir()
	at := filepath.Join(dir, course, task)
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, "task.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
