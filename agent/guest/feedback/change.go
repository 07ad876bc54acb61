package feedback

import (
	"errors"
	"hash/fnv"
	"math"
	"strconv"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
)

var (
	errShape  = errors.New("the feedback has a value of the wrong type")
	errGrade  = errors.New("the grade is not a finite number")
	errTooBig = errors.New("the number does not fit in 64 bits")
)

// autoTag is what the names of automatic tags begin with; scripts cannot set them.
const autoTag = "*auto-tag-"

// SetResult sets the result of a problem, or of the submission if problem is
// empty. Any word is allowed (TOOLKIT.md 3.1).
func (s Store) SetResult(result, problem string) error {
	return s.Update(func(o *pyjson.Object) error {
		if problem == "" {
			o.Set("result", result)
			return nil
		}
		return updateProblem(o, problem, func(e *entry) error {
			e.judged, e.result = true, result
			return nil
		})
	})
}

// SetGrade sets the grade, which should be from 0 to 100 but is not checked;
// NaN and infinities are refused.
func (s Store) SetGrade(grade float64) error {
	if math.IsNaN(grade) || math.IsInf(grade, 0) {
		return errGrade
	}
	return s.Update(func(o *pyjson.Object) error {
		o.Set("grade", grade)
		return nil
	})
}

// SetText sets the text of a problem, or of the submission if problem is empty,
// or adds to it. The text is reStructuredText.
func (s Store) SetText(text, problem string, add bool) error {
	return s.Update(func(o *pyjson.Object) error {
		if problem == "" {
			old, ok := o.Get("text")
			if !ok {
				old = ""
			}
			t, err := joined(old, text, add)
			o.Set("text", t)
			return err
		}
		return updateProblem(o, problem, func(e *entry) (err error) {
			e.text, err = joined(e.text, text, add)
			return err
		})
	})
}

func joined(old any, text string, add bool) (string, error) {
	if !add {
		return text, nil
	}
	t, ok := old.(string)
	if !ok {
		return "", errShape
	}
	return t + text, nil
}

// entry is what the feedback says of one problem: its text, or an array of
// result and text.
type entry struct {
	judged       bool
	result, text any
}

// updateProblem changes the entry of a problem, a new one having an empty text.
func updateProblem(o *pyjson.Object, id string, change func(*entry) error) error {
	problems, err := section(o, "problems")
	if err != nil {
		return err
	}
	e := entry{text: ""}
	if v, ok := problems.Get(id); ok {
		if e, err = parseEntry(v); err != nil {
			return err
		}
	}
	if err := change(&e); err != nil {
		return err
	}
	if e.judged {
		problems.Set(id, []any{e.result, e.text})
	} else {
		problems.Set(id, e.text)
	}
	return nil
}

func parseEntry(v any) (entry, error) {
	switch v := v.(type) {
	case string:
		return entry{text: v}, nil
	case []any:
		if len(v) > 1 {
			return entry{judged: true, result: v[0], text: v[1]}, nil
		}
		if len(v) == 1 {
			return entry{judged: true, result: v[0], text: ""}, nil
		}
	}
	return entry{}, errShape
}

// section returns the map under key and makes it if there is none.
func section(o *pyjson.Object, key string) (*pyjson.Object, error) {
	v, ok := o.Get(key)
	if !ok {
		v = new(pyjson.Object)
		o.Set(key, v)
	}
	m, ok := v.(*pyjson.Object)
	if !ok {
		return nil, errShape
	}
	return m, nil
}

// SetCustom stores a value of package pyjson under a name of the script's own.
// Integers beyond 64 bits are refused; floats that are no finite numbers are
// stored as text.
func (s Store) SetCustom(name string, v any) error {
	v, err := sendable(v)
	if err != nil {
		return err
	}
	return s.Update(func(o *pyjson.Object) error {
		custom, err := section(o, "custom")
		if err != nil {
			return err
		}
		custom.Set(name, v)
		return nil
	})
}

// sendable checks v and what it holds.
func sendable(v any) (_ any, err error) {
	switch v := v.(type) {
	case pyjson.Int:
		if !v.Fits() {
			return nil, errTooBig
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t, _ := pyjson.Text(v)
			return t, nil
		}
	case []any:
		for i := range v {
			if v[i], err = sendable(v[i]); err != nil {
				return nil, err
			}
		}
	case *pyjson.Object:
		for _, k := range v.Keys() {
			e, _ := v.Get(k)
			if e, err = sendable(e); err != nil {
				return nil, err
			}
			v.Set(k, e)
		}
	}
	return v, nil
}

// SetState sets what the next submission of this student finds as its @state.
func (s Store) SetState(state string) error {
	return s.Update(func(o *pyjson.Object) error {
		o.Set("state", state)
		return nil
	})
}

// SetTag sets a tag of the task. Names of automatic tags are ignored.
func (s Store) SetTag(tag string, on bool) error {
	if strings.HasPrefix(tag, autoTag) {
		return nil
	}
	return s.setTest(tag, on)
}

// Tag adds a tag that the task does not define; only administrators see it. The
// same text gives the same tag.
func (s Store) Tag(text string) error {
	h := int64(0)
	if text != "" {
		f := fnv.New64a()
		f.Write([]byte(text))
		h = int64(f.Sum64())
	}
	return s.setTest(autoTag+strconv.FormatInt(h, 10), text)
}

func (s Store) setTest(name string, v any) error {
	return s.Update(func(o *pyjson.Object) error {
		tests, err := section(o, "tests")
		if err != nil {
			return err
		}
		tests.Set(name, v)
		return nil
	})
}

// ValidID reports whether the agent accepts id as the id of a problem, or with
// tag as that of a tag (TOOLKIT.md 2.2). It makes a whole result useless if not.
func ValidID(id string, tag bool) bool {
	for i := range len(id) {
		c := id[i] | 0x20
		ok := c >= 'a' && c <= 'z' || id[i] >= '0' && id[i] <= '9' || strings.IndexByte("-._", id[i]) >= 0 || tag && id[i] == '*'
		if !ok {
			return false
		}
	}
	return id != ""
}
