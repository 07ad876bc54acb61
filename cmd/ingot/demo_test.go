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
