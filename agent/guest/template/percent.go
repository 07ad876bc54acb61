package template

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// The engine knows % for numbers only. Where its left side is a text in quotes or
// a message, _("…") % x, it is rewritten to a filter before parsing.
const (
	percentOne  = "__percent"      // x is the one value, or names them
	percentMany = "__percent_many" // x is a tuple of values
)

// rewritePercent rewrites every % that formats a text.
func rewritePercent(source string, conf *config.Config) string {
	for at := 0; strings.Contains(source[at:], "%"); {
		ts := lex(source, conf)
		i := formatting(ts, at)
		if i < 0 {
			break
		}
		end, many := operand(ts, i+1)
		if end == i+1 || end >= len(ts) {
			break
		}
		from, to := ts[i+1].Pos, ts[end].Pos
		right := source[from:to]
		if t := ts[end].Type; t == tokens.VariableEnd || t == tokens.BlockEnd {
			right = strings.TrimRight(right, "-+ \t\r\n") // a sign there belongs to the end
		}
		filter := percentOne
		if many {
			filter = percentMany
		}
		at = ts[i].Pos
		source = source[:at] + "|" + filter + "(" + right + ")" + source[from+len(right):]
	}
	return source
}

func lex(source string, conf *config.Config) (ts []*tokens.Token) {
	for s := tokens.LexAll(source, conf); ; s.Next() {
		ts = append(ts, s.Current())
		if s.End() {
			return ts
		}
	}
}

// formatting finds the first % from position at that has a text on its left.
func formatting(ts []*tokens.Token, at int) int {
	for i, t := range ts {
		if t.Type != tokens.Modulo || t.Pos < at || i == 0 {
			continue
		}
		left := ts[i-1].Type
		if left == tokens.String || left == tokens.RightParenthesis && message(ts[:i]) {
			return i
		}
	}
	return -1
}

// message reports whether the tokens end with a call of the function _.
func message(ts []*tokens.Token) bool {
	depth := 0
	for i := len(ts) - 1; i > 0; i-- {
		switch ts[i].Type {
		case tokens.RightParenthesis:
			depth++
		case tokens.LeftParenthesis:
			if depth--; depth == 0 {
				return ts[i-1].Type == tokens.Name && ts[i-1].Val == "_"
			}
		}
	}
	return false
}

// operand says where the operand that starts at i ends, and whether it is a tuple.
func operand(ts []*tokens.Token, i int) (end int, tuple bool) {
	if i < len(ts) && (ts[i].Type == tokens.Subtraction || ts[i].Type == tokens.Addition) {
		i++
	}
	end, comma := closing(ts, i)
	tuple = comma && ts[i].Type == tokens.LeftParenthesis
	for end < len(ts) {
		switch ts[end].Type {
		case tokens.Dot, tokens.Pipe:
			end += 2
		case tokens.LeftParenthesis, tokens.LeftBracket:
			end, _ = closing(ts, end)
		default:
			return end, tuple
		}
		tuple = false
	}
	return len(ts), false
}

// closing returns the end of the brackets that open at i, or of the one token
// there, and whether a comma stands directly inside.
func closing(ts []*tokens.Token, i int) (end int, comma bool) {
	depth := 0
	for ; i < len(ts); i++ {
		switch ts[i].Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		case tokens.Comma:
			comma = comma || depth == 1
		}
		if depth <= 0 {
			return i + 1, comma
		}
	}
	return i, comma
}

var errFormat = errors.New("the values do not fit the format")

// percent is Python's formatting of a text. With many the argument is a list of
// values, else one value or a map of them.
func percent(many bool) exec.FilterFunction {
	return func(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
		if in.IsError() {
			return in
		}
		arg := params.First()
		values := []*exec.Value{arg}
		if many {
			values = nil
			arg.Iterate(func(_, _ int, v, _ *exec.Value) bool {
				values = append(values, v)
				return true
			}, func() {})
		}
		out, err := format(in.String(), arg, values)
		if err != nil {
			return exec.AsValue(err)
		}
		return exec.AsValue(out)
	}
}

// format fills in named values from names and others from values, in order.
func format(text string, names *exec.Value, values []*exec.Value) (string, error) {
	var out strings.Builder
	named := false
	for {
		before, rest, found := strings.Cut(text, "%")
		out.WriteString(before)
		if !found {
			break
		}
		v := (*exec.Value)(nil)
		if name, after, ok := strings.Cut(strings.TrimPrefix(rest, "("), ")"); ok && strings.HasPrefix(rest, "(") {
			rest, named = after, true
			if v, ok = names.GetItem(name); !ok {
				return "", fmt.Errorf("%w: no %q", errFormat, name)
			}
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("#0- +.123456789", r) })
		if n < 0 {
			return "", errFormat
		}
		flags, verb := rest[:n], rest[n]
		text = rest[n+1:]
		if verb == '%' {
			out.WriteByte('%')
			continue
		}
		if v == nil {
			if len(values) == 0 {
				return "", errFormat
			}
			v, values = values[0], values[1:]
		}
		piece, err := one(flags, verb, v)
		if err != nil {
			return "", err
		}
		out.WriteString(piece)
	}
	if !named && len(values) > 0 && !names.IsDict() {
		return "", errFormat
	}
	return out.String(), nil
}

// one formats one value. Flags, width and precision mean the same in Go.
func one(flags string, verb byte, v *exec.Value) (string, error) {
	switch verb {
	case 's':
		return fmt.Sprintf("%"+flags+"s", v.String()), nil
	case 'd', 'i', 'u', 'x', 'X', 'o':
		if !v.IsNumber() {
			return "", errFormat
		}
		return fmt.Sprintf("%"+flags+strings.NewReplacer("i", "d", "u", "d").Replace(string(verb)), v.Integer()), nil
	case 'f', 'F', 'e', 'E', 'g', 'G':
		if !v.IsNumber() {
			return "", errFormat
		}
		return fmt.Sprintf("%"+flags+string(verb), v.Float()), nil
	}
	return "", fmt.Errorf("%w: %%%c", errFormat, verb)
}
