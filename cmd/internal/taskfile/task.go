package taskfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ingot-grading/ingot/wire"
)

// maxSize is the largest file that is read, in bytes.
const maxSize = 8 << 20

// Environment types (PROTOCOL.md 7.1).
const (
	containers = "docker"
	quiz       = "mcq"
	sshEnding  = "-ssh"
)

// Task is what a job needs of a task. The zero Task says nothing.
type Task struct {
	EnvironmentType string // as "docker"; "" if the file does not say
	Environment     string
	parameters      *mapping
	problems        *mapping
}

// Load reads the file of a task below tasks, a directory of courses.
func Load(tasks, course, task string) (*Task, error) {
	rel := filepath.Join(course, task, "task.yaml")
	if course == "" || task == "" || !filepath.IsLocal(course) || !filepath.IsLocal(task) {
		return nil, fmt.Errorf("read task %s/%s: not a course and a task", course, task)
	}
	f, err := os.Open(filepath.Join(tasks, rel))
	if err != nil {
		return nil, fmt.Errorf("read task: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("more than %d bytes", maxSize)
	}
	if err != nil {
		return nil, fmt.Errorf("read task: %s: %w", rel, err)
	}
	t, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read task: %s: %w", rel, err)
	}
	return t, nil
}

// Parse reads the text of a task.yaml.
func Parse(text []byte) (*Task, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	file, ok := v.(*mapping)
	if !ok {
		return nil, errors.New("not a mapping")
	}
	t := &Task{}
	for _, f := range []struct {
		key string
		to  **mapping
	}{{"problems", &t.problems}, {"environment_parameters", &t.parameters}} {
		if *f.to, err = file.child(f.key); err != nil {
			return nil, err
		}
	}
	if err := t.checkProblems(); err != nil {
		return nil, err
	}
	if err := t.readEnvironment(file); err != nil {
		return nil, err
	}
	return t, nil
}

// parse returns the value of a text that is one document.
func parse(text []byte) (any, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.Join(errors.New("more than one document"), err)
	}
	return new(builder).value(doc.Content[0], 0)
}

// child is a mapping within m; nil if there is none, it is null, or m is nil.
func (m *mapping) child(key string) (*mapping, error) {
	switch v := m.get(key).(type) {
	case nil:
		return nil, nil
	case *mapping:
		return v, nil
	}
	return nil, fmt.Errorf("%s: not a mapping", key)
}

// text is a text within m; "" if there is none.
func (m *mapping) text(key string) (string, error) {
	switch v := m.get(key).(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	return "", fmt.Errorf("%s: not text: put it in quotes", key)
}

func (t *Task) checkProblems() error {
	if t.problems == nil {
		return nil
	}
	for i, id := range t.problems.keys {
		if _, ok := id.(string); !ok {
			return fmt.Errorf("problem %v: its id is not text: put it in quotes", id)
		}
		if _, ok := t.problems.values[i].(*mapping); !ok {
			return fmt.Errorf("problem %v: not a mapping", id)
		}
	}
	return nil
}

// readEnvironment finds the environment as webapps of today do in files of any
// age (PROTOCOL.md 7.1).
func (t *Task) readEnvironment(file *mapping) (err error) {
	if t.EnvironmentType, err = file.text("environment_type"); err != nil {
		return err
	}
	if t.Environment, err = file.text("environment_id"); err != nil {
		return err
	}
	old, err := file.text("environment")
	if err != nil {
		return err
	}
	if t.Environment == "" && old != "" {
		t.Environment, t.EnvironmentType = old, containers
		if old == quiz {
			t.EnvironmentType = quiz
		}
	}
	if t.parameters == nil && t.EnvironmentType != quiz {
		for _, key := range []string{"limits", "run_cmd", "network_grading"} {
			if v := file.get(key); v != nil {
				if t.parameters == nil {
					t.parameters = &mapping{}
				}
				t.parameters.set(key, v)
			}
		}
	}
	if _, err := t.parameters.child("limits"); err != nil {
		return err
	}
	if t.parameters.get("ssh_allowed") == true && !strings.HasSuffix(t.EnvironmentType, sshEnding) {
		t.EnvironmentType += sshEnding
	}
	return nil
}

// Problems is the task_problems of a job; an empty map if there are none.
func (t *Task) Problems() (wire.Raw, error) {
	b, err := appendValue(nil, t.problems.clone())
	if err != nil {
		return nil, fmt.Errorf("problems: %w", err)
	}
	return b, nil
}

// Multiple reports whether a problem takes several answers, which then are sent
// as a list even if there is only one (PROTOCOL.md 6.3).
func (t *Task) Multiple(problem string) bool {
	p, _ := t.problems.get(problem).(*mapping)
	return p.get("type") == "multiple_choice" && truthy(p.get("multiple"))
}

// truthy is Python's bool(v).
func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case []byte:
		return len(v) > 0
	case []any:
		return len(v) > 0
	case *mapping:
		return len(v.keys) > 0
	}
	return v != nil && v != "" && v != int64(0) && v != 0.0
}
