package taskfile

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// unsendable stands for a value that messages cannot hold; it says what it is.
type unsendable string

// What plain scalars of YAML 1.1 are; the first that matches counts, text if
// none does.
var implicit = []struct {
	tag  string
	form *regexp.Regexp
}{
	{"!!bool", regexp.MustCompile(`^(yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)},
	{"!!float", regexp.MustCompile(`^([-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?|` +
		`[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)},
	{"!!int", regexp.MustCompile(`^([-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+)$`)},
	{"!!merge", regexp.MustCompile(`^<<$`)},
	{"!!null", regexp.MustCompile(`^(~|null|Null|NULL|)$`)},
	{"!!timestamp", regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}` +
		`(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?)$`)},
	{"!!value", regexp.MustCompile(`^=$`)},
}

// tagOf is the type of a scalar in YAML 1.1. What the library found is used only
// where the file itself says the type.
func tagOf(n *yaml.Node) string {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		return n.ShortTag()
	case n.Style&quoted != 0 && n.Tag != "!":
		return "!!str"
	}
	for _, t := range implicit {
		if t.form.MatchString(n.Value) {
			return t.tag
		}
	}
	return "!!str"
}

// scalar is the value of a scalar node: nil, bool, int64, uint64, float64,
// string, []byte or unsendable.
func scalar(n *yaml.Node) (any, error) {
	tag := tagOf(n)
	var v any
	var err error
	switch tag {
	case "!!str":
		return n.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		v, err = boolean(n.Value)
	case "!!int":
		v, err = integer(n.Value)
	case "!!float":
		v, err = float(n.Value)
	case "!!binary":
		v, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
	case "!!timestamp":
		return unsendable("a date"), nil
	default:
		err = errors.New("not known here")
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %q of type %s: %w", n.Line, n.Value, tag, err)
	}
	return v, nil
}

func boolean(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "yes", "true", "on":
		return true, nil
	case "no", "false", "off":
		return false, nil
	}
	return false, strconv.ErrSyntax
}

// sign cuts a sign off.
func sign(s string) (negative bool, rest string) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[0] == '-', s[1:]
	}
	return false, s
}

// integer is an int64 or, beyond, a uint64 or unsendable.
func integer(s string) (any, error) {
	negative, s := sign(strings.ReplaceAll(s, "_", ""))
	u, err := magnitude(s)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && negative && u > 1<<63:
		return unsendable("a number of more than 64 bits"), nil
	case err != nil:
		return nil, err
	case negative:
		return -int64(u), nil // of 1<<63 too
	case u > math.MaxInt64:
		return u, nil
	}
	return int64(u), nil
}

func magnitude(s string) (uint64, error) {
	switch {
	case strings.HasPrefix(s, "0b"):
		return strconv.ParseUint(s[2:], 2, 64)
	case strings.HasPrefix(s, "0x"):
		return strconv.ParseUint(s[2:], 16, 64)
	case len(s) > 1 && s[0] == '0':
		return strconv.ParseUint(s, 8, 64)
	case !strings.Contains(s, ":"):
		return strconv.ParseUint(s, 10, 64)
	}
	var sum uint64
	for part := range strings.SplitSeq(s, ":") {
		digit, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return 0, err
		}
		if sum > (math.MaxUint64-digit)/60 {
			return 0, strconv.ErrRange
		}
		sum = sum*60 + digit
	}
	return sum, nil
}

func float(s string) (float64, error) {
	negative, s := sign(strings.ToLower(strings.ReplaceAll(s, "_", "")))
	v, err := positive(s)
	if negative {
		v = -v
	}
	return v, err
}

func positive(s string) (float64, error) {
	switch s {
	case ".inf":
		return math.Inf(1), nil
	case ".nan":
		return math.NaN(), nil
	}
	var sum float64
	base := 1.0
	parts := strings.Split(s, ":")
	for _, part := range slices.Backward(parts) { // from the least, as PyYAML does: sums round the same
		part = strings.TrimSpace(part)
		if strings.Contains(part, "x") {
			return 0, strconv.ErrSyntax // Go's hexadecimal ones are not Python's
		}
		digit, err := strconv.ParseFloat(part, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range it is infinite
			return 0, err
		}
		sum += digit * base
		base *= 60
	}
	return sum, nil
}
