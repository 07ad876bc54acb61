package tool

import (
	"errors"

	"github.com/ingot-grading/ingot/agent/guest/argparse"
	"github.com/ingot-grading/ingot/agent/guest/input"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

var (
	errInputMissing = &exitError{code: 2, stderr: "Input file not found"}
	errInputFormat  = &exitError{code: 2, stderr: "Input is not compatible"}
	errInputValue   = &exitError{code: 2, stderr: "Invalid/unknown input format. Please access it from Python using input.get_input."}
)

// GetInput is getinput (TOOLKIT.md 4.2).
func GetInput(e *Env) error {
	p := argparse.New(e.Prog)
	id := p.Positional("problem")
	if err := e.Parse(p); err != nil {
		return err
	}
	in, err := e.Input()
	if err != nil {
		return inputError(err)
	}
	v, err := in.Get(*id)
	if err != nil {
		return inputError(err)
	}
	out, err := printed(v)
	if err != nil {
		return err
	}
	_, err = e.Stdout.Write(out)
	return err
}

// printed is a value as getinput prints it.
func printed(v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return nil, errInputValue
	case input.File:
		return v, nil
	case []any, *pyjson.Object:
		return pyjson.Append(nil, v)
	}
	text, ok := pyjson.Text(v)
	if !ok {
		return nil, errInputValue
	}
	if pytext.HasSurrogate(text) {
		return nil, errInputFormat
	}
	return []byte(text), nil
}

// inputError chooses the original's answer to an error of package input.
func inputError(err error) error {
	switch {
	case errors.Is(err, input.ErrNotFound):
		return errInputMissing
	case errors.Is(err, input.ErrFormat):
		return errInputFormat
	}
	return err
}
