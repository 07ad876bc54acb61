package tool

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/ingot-grading/ingot/agent/guest/argparse"
	"github.com/ingot-grading/ingot/agent/guest/input"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// ParseTemplate is parsetemplate: it puts the student's answers in the place of
// markers such as @prefix@field@suffix@ (TOOLKIT.md 4.3). The template is read
// once from left to right, so that an answer cannot bring markers of its own.
func ParseTemplate(e *Env) error {
	p := argparse.New(e.Prog)
	output := p.String("-o", "--output", "")
	file := p.Positional("input")
	if err := e.Parse(p); err != nil {
		return err
	}
	if *output == "" {
		*output = *file
	}
	in, err := e.Input()
	if errors.Is(err, input.ErrNoInput) {
		return errInputFormat
	}
	if err != nil {
		return inputError(err)
	}
	template, err := os.ReadFile(e.Path(*file))
	if err != nil {
		return errInputMissing
	}
	if !utf8.Valid(template) {
		return errInputFormat
	}
	text, err := fill(string(template), fields(in))
	if err != nil {
		return err
	}
	if pytext.HasSurrogate(text) {
		return errInputFormat
	}
	_ = os.MkdirAll(filepath.Dir(e.Path(*output)), 0o777) // if this fails, so does the write
	if err := replace(e.Path(*output), []byte(text)); err != nil {
		return errInputMissing
	}
	return nil
}

// field is something that a marker can name.
type field struct {
	name  string
	value func() (string, error)
}

func fields(in *input.Input) []field {
	var out []field
	for _, id := range in.Fields.Keys() {
		v, _ := in.Fields.Get(id)
		if name, _, ok := input.Upload(v); ok {
			out = append(out,
				field{id + ":filename", func() (string, error) { return fieldText(name) }},
				field{id + ":value", func() (string, error) { return fileText(in, id) }})
		} else {
			out = append(out, field{id, func() (string, error) { return fieldText(v) }})
		}
	}
	return out
}

func fieldText(v any) (string, error) {
	if _, isBool := v.(bool); !isBool {
		if text, ok := pyjson.Text(v); ok {
			return text, nil
		}
	}
	return "", errInputFormat
}

func fileText(in *input.Input, id string) (string, error) {
	v, err := in.Get(id)
	if err != nil {
		return "", inputError(err)
	}
	content, ok := v.(input.File)
	if !ok || !utf8.Valid(content) {
		return "", errInputFormat
	}
	return string(content), nil
}

// fill replaces the markers of text.
func fill(text string, fs []field) (string, error) {
	var out strings.Builder
	for {
		i := strings.IndexByte(text, '@')
		if i < 0 {
			out.WriteString(text)
			return out.String(), nil
		}
		out.WriteString(text[:i])
		text = text[i+1:]
		f, prefix, suffix, n := marker(text, fs)
		if f == nil {
			out.WriteByte('@')
			continue
		}
		value, err := f.value()
		if err != nil {
			return "", err
		}
		for i, line := range pytext.Lines(value) {
			if i > 0 {
				out.WriteByte('\n')
			}
			out.WriteString(prefix + line + suffix)
		}
		text = text[n:]
	}
}

// marker reads "prefix@name@suffix@" at the start of text, and how long it is.
func marker(text string, fs []field) (f *field, prefix, suffix string, n int) {
	prefix, rest, ok := strings.Cut(text, "@")
	for i := range fs {
		if !ok {
			break
		}
		after, found := strings.CutPrefix(rest, fs[i].name+"@")
		if !found {
			continue
		}
		if suffix, end, ok := strings.Cut(after, "@"); ok {
			return &fs[i], prefix, suffix, len(text) - len(end)
		}
	}
	return nil, "", "", 0
}
