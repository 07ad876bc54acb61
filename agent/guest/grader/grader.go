package grader

import (
	"errors"
	"fmt"
	"time"

	"github.com/ingot-grading/ingot/agent/guest/feedback"
	"github.com/ingot-grading/ingot/agent/guest/input"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
)

// ErrNoText is a field that has another kind of value than a text.
var ErrNoText = errors.New("the field is not a text")

// Grader is the job that this process grades. The methods of [feedback.Store]
// are its own: SetResult, SetGrade, SetText, SetCustom, SetState, SetTag, Tag.
type Grader struct {
	feedback.Store
	in *input.Input
}

// New reads the input of the job. The error wraps those of package input.
func New() (*Grader, error) { return open("") }

func open(root string) (*Grader, error) {
	in, err := input.Load(root + input.Path)
	if err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	return &Grader{feedback.In(root + feedback.Dir), in}, nil
}

// Get returns the value of a field as package input does: a value of package
// pyjson, or the content of an uploaded file.
func (g *Grader) Get(id string) (any, error) { return g.in.Get(id) }

// Text returns the value of a field that is a text, or the content of an
// uploaded file; ErrNoText for any other.
func (g *Grader) Text(id string) (string, error) {
	v, err := g.in.Get(id)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case input.File:
		return string(v), nil
	}
	return "", fmt.Errorf("%s: %w", id, ErrNoText)
}

// Choices returns the values of a field for several answers.
func (g *Grader) Choices(id string) ([]string, error) {
	v, err := g.in.Get(id)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: %w", id, ErrNoText)
	}
	out := make([]string, len(list))
	for i, e := range list {
		if out[i], ok = pyjson.Text(e); !ok {
			return nil, fmt.Errorf("%s: %w", id, ErrNoText)
		}
	}
	return out, nil
}

// Username names the student, or the students of a group with commas between them.
func (g *Grader) Username() string { return g.info("@username") }

// Language is the student's language, such as "fr" or "nb_NO"; it may be empty.
func (g *Grader) Language() string { return g.info("@lang") }

// State is what an earlier submission of this student left with SetState.
func (g *Grader) State() string { return g.info("@state") }

func (g *Grader) info(key string) string {
	s, err := g.Text(key)
	if err != nil {
		return ""
	}
	return s
}

// Submitted is when the student submitted. Webapps of before 2026 do not say in
// which zone; then it is local time.
func (g *Grader) Submitted() (time.Time, error) {
	text, err := g.Text("@time")
	if err != nil {
		return time.Time{}, err
	}
	if t, err := time.Parse("2006-01-02 15:04:05Z07:00", text); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation("2006-01-02 15:04:05", text, time.Local)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the time of the submission: %w", err)
	}
	return t, nil
}
