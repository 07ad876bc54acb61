package input

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// Path is where the main process puts the input.
const Path = "/.__input/__inputdata.json"

// Errors that the commands answer differently.
var (
	// ErrNotFound: the input, or an uploaded file, cannot be opened.
	ErrNotFound = errors.New("input file not found")
	// ErrFormat: the input is not UTF-8 JSON.
	ErrFormat = errors.New("input is not compatible")
	// ErrNoInput: there is no map under the key "input".
	ErrNoInput = errors.New("the job has no input")
	// ErrNoFile: an upload does not name its file.
	ErrNoFile = errors.New("the upload has no file")
)

// UnknownError is an id that the student's form does not have.
type UnknownError struct{ ID string }

// Error names the id.
func (e *UnknownError) Error() string { return "No such input: " + e.ID }

// File is the content of an uploaded file.
type File []byte

// Input is the input of a job. Open reads a file that an upload names; it is
// os.ReadFile but in tests.
type Input struct {
	// Fields are the answers by id, in the order of the form.
	Fields *pyjson.Object
	Open   func(path string) ([]byte, error)
}

// Load reads the input from a file, [Path] but in tests.
func Load(path string) (*Input, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if pytext.HasSurrogate(string(b)) {
		return nil, ErrFormat
	}
	text := strings.TrimFunc(strings.Trim(string(b), "\x00"), pytext.Space)
	v, err := pyjson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if start, ok := v.(*pyjson.Object); ok {
		if fields, ok := start.Get("input"); ok {
			if o, ok := fields.(*pyjson.Object); ok {
				return &Input{Fields: o, Open: os.ReadFile}, nil
			}
		}
	}
	return nil, ErrNoInput
}

// Get returns the value of a field: a value of package pyjson, or a [File]. For
// an upload "id" and "id:value" give the content, "id:filename" the name that
// the student gave it (TOOLKIT.md 4.1). An id with a colon is found where no field
// has its first part as its id.
func (in *Input) Get(id string) (any, error) {
	key, rest, _ := strings.Cut(id, ":")
	part, _, _ := strings.Cut(rest, ":")
	v, ok := in.Fields.Get(key)
	if !ok {
		part = ""
		if v, ok = in.Fields.Get(id); !ok {
			return nil, &UnknownError{id}
		}
	}
	name, path, ok := Upload(v)
	if !ok {
		return v, nil
	}
	if part == "filename" {
		return name, nil
	}
	return in.read(path)
}

// Upload takes an uploaded file apart. The values should be texts, but may be
// anything.
func Upload(v any) (filename, value any, ok bool) {
	o, _ := v.(*pyjson.Object)
	if o == nil {
		return nil, nil, false
	}
	filename, hasName := o.Get("filename")
	value, hasValue := o.Get("value")
	return filename, value, hasName && hasValue
}

func (in *Input) read(path any) (File, error) {
	p, ok := path.(string)
	if !ok || strings.IndexByte(p, 0) >= 0 {
		return nil, ErrNoFile
	}
	b, err := in.Open(p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return b, nil
}
