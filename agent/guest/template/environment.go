package template

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// environment is the engine's own, with what differs too much from Python put
// right.
func environment() *exec.Environment {
	filters := exec.NewFilterSet(map[string]exec.FilterFunction{
		percentOne: percent(false), percentMany: percent(true),
	}).Update(builtins.Filters)
	if plain, ok := filters.Get("tojson"); ok {
		_ = filters.Replace("tojson", toJSON(plain)) // cannot fail: the filter is there
	}
	env := &exec.Environment{
		Context:           exec.EmptyContext().Update(builtins.GlobalFunctions).Update(builtins.GlobalVariables),
		Filters:           filters,
		Tests:             builtins.Tests,
		ControlStructures: builtins.ControlStructures,
		Methods:           builtins.Methods,
	}
	env.Methods.Str = exec.NewMethodSet(stringMethods())
	return env
}

// methodNames are the methods of texts. The engine cannot list them.
const methodNames = `capitalize capwords casefold center count encode endswith expandtabs find format isalnum
	isalpha isascii isdecimal isdigit islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip
	partition removeprefix removesuffix replace rfind rjust rpartition rsplit rstrip split splitlines startswith
	strip swapcase title upper zfill`

func stringMethods() map[string]exec.Method[string] {
	all := make(map[string]exec.Method[string])
	for name := range strings.FieldsSeq(methodNames) {
		if m, ok := builtins.Methods.Str.Get(name); ok {
			all[name] = m
		}
	}
	if split, ok := all["split"]; ok {
		all["split"] = splitSpace(split)
	}
	return all
}

// splitSpace adds the split without a separator, which is at any white space.
func splitSpace(split exec.Method[string]) exec.Method[string] {
	return func(self string, v *exec.Value, args *exec.VarArgs) (any, error) {
		if len(args.Args) == 0 && len(args.KwArgs) == 0 {
			words := strings.FieldsFunc(self, pytext.Space)
			out := make([]any, len(words))
			for i, w := range words {
				out[i] = w
			}
			return out, nil
		}
		return split(self, v, args)
	}
}

// toJSON writes JSON with the spaces and escapes of Python's.
func toJSON(plain exec.FilterFunction) exec.FilterFunction {
	return func(e *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
		out := plain(e, in, params)
		if out.IsError() || len(params.Args)+len(params.KwArgs) > 0 {
			return out
		}
		v, err := pyjson.Parse(out.String())
		if err != nil {
			return exec.AsValue(err)
		}
		b, err := pyjson.Append(nil, v)
		if err != nil {
			return exec.AsValue(err)
		}
		return exec.AsSafeValue(strings.ReplaceAll(string(b), "'", `\u0027`))
	}
}
