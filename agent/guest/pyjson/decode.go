package pyjson

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// Errors of [Parse].
var (
	// ErrSyntax: the text is not JSON.
	ErrSyntax = errors.New("not valid JSON")
	// ErrDepth: the text may be JSON, but is nested too deep to be read.
	ErrDepth = errors.New("JSON nested too deep")
)

// maxDepth is about where Python gives up.
const maxDepth = 990

// Parse reads one JSON value that fills the text, in the strict grammar of RFC
// 8259 plus NaN, Infinity and -Infinity. The text must be UTF-8. Of a key given
// twice the last value counts, at the first place.
func Parse(text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, ErrSyntax
	}
	p := parser{s: text}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.s != "" {
		return nil, ErrSyntax
	}
	return v, nil
}

// parser holds what is still to be read.
type parser struct{ s string }

func (p *parser) space() { p.s = strings.TrimLeft(p.s, " \t\r\n") }

func (p *parser) word(w string) bool {
	rest, ok := strings.CutPrefix(p.s, w)
	p.s = rest
	return ok
}

func (p *parser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, ErrDepth
	}
	switch {
	case p.word("{"):
		return p.object(depth)
	case p.word("["):
		return p.array(depth)
	case p.word(`"`):
		return p.text()
	case p.word("null"):
		return nil, nil
	case p.word("true"):
		return true, nil
	case p.word("false"):
		return false, nil
	case p.word("NaN"):
		return math.NaN(), nil
	case p.word("Infinity"):
		return math.Inf(1), nil
	case p.word("-Infinity"):
		return math.Inf(-1), nil
	}
	return p.number()
}

func (p *parser) array(depth int) (any, error) {
	a := []any{}
	if p.space(); p.word("]") {
		return a, nil
	}
	for {
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
		if p.space(); p.word("]") {
			return a, nil
		}
		if !p.word(",") {
			return nil, ErrSyntax
		}
	}
}

func (p *parser) object(depth int) (any, error) {
	o := new(Object)
	if p.space(); p.word("}") {
		return o, nil
	}
	for {
		if p.space(); !p.word(`"`) {
			return nil, ErrSyntax
		}
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		if p.space(); !p.word(":") {
			return nil, ErrSyntax
		}
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.Set(key, v)
		if p.space(); p.word("}") {
			return o, nil
		}
		if !p.word(",") {
			return nil, ErrSyntax
		}
	}
}

func (p *parser) number() (any, error) {
	n := 0
	digits := func() int {
		start := n
		for n < len(p.s) && p.s[n] >= '0' && p.s[n] <= '9' {
			n++
		}
		return n - start
	}
	if n < len(p.s) && p.s[n] == '-' {
		n++
	}
	whole := n
	if d := digits(); d == 0 || d > 1 && p.s[whole] == '0' {
		return nil, ErrSyntax
	}
	isInt := true
	if n < len(p.s) && p.s[n] == '.' {
		n++
		if isInt = false; digits() == 0 {
			return nil, ErrSyntax
		}
	}
	if n < len(p.s) && (p.s[n] == 'e' || p.s[n] == 'E') {
		n++
		if n < len(p.s) && (p.s[n] == '-' || p.s[n] == '+') {
			n++
		}
		if isInt = false; digits() == 0 {
			return nil, ErrSyntax
		}
	}
	s := p.s[:n]
	p.s = p.s[n:]
	if isInt {
		i, ok := pytext.Int(s)
		if !ok {
			return nil, ErrSyntax
		}
		return Int(i), nil
	}
	f, _ := strconv.ParseFloat(s, 64) // the grammar is right; too big is infinity
	return f, nil
}
