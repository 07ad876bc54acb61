package argparse

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// ErrHelp is the answer of [Parser.Parse] when the command line asks for help.
var ErrHelp = errors.New("help requested")

// UsageError is a command line that cannot be understood.
type UsageError struct{ Text string }

// Error is the text without the program's name.
func (e *UsageError) Error() string { return e.Text }

func usage(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// Parser collects what a program accepts. Its options are declared before
// Parse is called, once. The results are read through the pointers that the
// declarations returned.
type Parser struct {
	prog  string
	opts  []*option
	pos   []*string
	names []string // of pos, and of rest if there is one
	rest  *[]string
	tail  bool // rest takes everything from the first value on
}

type option struct {
	short, long string // with their dashes; either may be empty
	set         func(string) error
	flag        func() // instead of set
}

func (o *option) String() string {
	return strings.Trim(o.short+"/"+o.long, "/")
}

// New makes a parser for the program of that name.
func New(prog string) *Parser { return &Parser{prog: prog} }

// Flag declares an option without a value.
func (p *Parser) Flag(short, long string) *bool {
	v := new(bool)
	p.opts = append(p.opts, &option{short: short, long: long, flag: func() { *v = true }})
	return v
}

// String declares an option with a value; the last one given counts.
func (p *Parser) String(short, long, def string) *string {
	v := &def
	p.opts = append(p.opts, &option{short: short, long: long, set: func(s string) error { *v = s; return nil }})
	return v
}

// Optional is a String that also tells whether it was given: nil if not.
func (p *Parser) Optional(short, long string) **string {
	v := new(*string)
	p.opts = append(p.opts, &option{short: short, long: long, set: func(s string) error { *v = &s; return nil }})
	return v
}

// Int declares an option whose value is an integer. One beyond 64 bits is
// refused as if it were none.
func (p *Parser) Int(short, long string, def int64) *int64 {
	v := &def
	p.opts = append(p.opts, &option{short: short, long: long, set: func(s string) error {
		n, ok := parseInt(s)
		if !ok {
			return usage("argument %s: invalid int value: %q", long, s)
		}
		*v = n
		return nil
	}})
	return v
}

// Alias gives the option called long another name.
func (p *Parser) Alias(long, short2, long2 string) {
	for _, o := range p.opts {
		if o.long == long {
			p.opts = append(p.opts, &option{short: short2, long: long2, set: o.set, flag: o.flag})
			return
		}
	}
}

// Positional declares one argument that must be given.
func (p *Parser) Positional(name string) *string {
	v := new(string)
	p.pos, p.names = append(p.pos, v), append(p.names, name)
	return v
}

// Rest declares any number of arguments after the positional ones.
func (p *Parser) Rest(name string) *[]string {
	p.rest, p.names = new([]string), append(p.names, "["+name+" ...]")
	return p.rest
}

// Tail declares that the first argument which is no option starts a list that
// takes all the rest, options and "--" included. One "--" before it is dropped
// (TOOLKIT.md 12, S2).
func (p *Parser) Tail(name string) *[]string {
	p.tail = true
	return p.Rest(name)
}

// Usage is the line that says how to call the program.
func (p *Parser) Usage() string {
	var b strings.Builder
	b.WriteString("usage: " + p.prog + " [-h]")
	for _, o := range p.opts {
		name, value := o.short, ""
		if name == "" {
			name = o.long
		}
		if o.set != nil {
			value = " " + strings.ToUpper(strings.TrimLeft(o.long, "-"))
		}
		b.WriteString(" [" + name + value + "]")
	}
	for _, n := range p.names {
		b.WriteString(" " + n)
	}
	b.WriteByte('\n')
	return b.String()
}

func parseInt(s string) (int64, bool) {
	t, _ := pytext.Int(s)
	n, err := strconv.ParseInt(t, 10, 64)
	return n, err == nil
}
