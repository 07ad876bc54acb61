package argparse

import "strings"

// class says what an argument is before its place is known.
type class uint8

const (
	value   class = iota
	known         // an option, maybe with its value attached
	unknown       // looks like an option
)

// token is one classified argument.
type token struct {
	class    class
	text     string
	opt      *option
	help     bool // opt is nil: -h or --help
	attached *string
}

// Parse reads args, the command line without the program's name. Its error is
// [ErrHelp] or a *[UsageError].
func (p *Parser) Parse(args []string) error {
	var values, strangers []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			values = append(values, args[i+1:]...)
			break
		}
		t, err := p.classify(args[i])
		if err != nil {
			return err
		}
		switch t.class {
		case unknown:
			strangers = append(strangers, t.text)
		case value:
			if p.tail {
				values = append(values, args[i:]...)
				i = len(args)
				break
			}
			values = append(values, t.text)
		case known:
			used, err := p.apply(t, args[i+1:])
			if err != nil {
				return err
			}
			i += used
		}
	}
	return p.place(values, strangers)
}

// place hands the values to the positional arguments.
func (p *Parser) place(values, strangers []string) error {
	if len(values) < len(p.pos) {
		return usage("the following arguments are required: %s", strings.Join(p.names[len(values):len(p.pos)], ", "))
	}
	for i, v := range p.pos {
		*v = values[i]
	}
	values = values[len(p.pos):]
	if p.rest != nil {
		*p.rest, values = values, nil
	}
	if strangers = append(strangers, values...); len(strangers) > 0 {
		return usage("unrecognized arguments: %s", strings.Join(strangers, " "))
	}
	return nil
}

// apply acts on an option and says how many of the next arguments it used.
func (p *Parser) apply(t token, next []string) (int, error) {
	for t.opt == nil || t.opt.flag != nil {
		if t.help && t.attached == nil {
			return 0, ErrHelp
		}
		if t.attached == nil {
			t.opt.flag()
			return 0, nil
		}
		// What is attached to a short flag are more short options.
		cluster := !strings.HasPrefix(t.text, "--") && *t.attached != "" && t.text[2] != '='
		o, help := p.find("-" + firstRune(*t.attached))
		if !cluster || o == nil && !help {
			return 0, usage("argument %s: ignored explicit argument %q", t.text, *t.attached)
		}
		if t.help {
			return 0, ErrHelp
		}
		t.opt.flag()
		rest := (*t.attached)[len(firstRune(*t.attached)):]
		t = token{class: known, text: "-" + *t.attached, opt: o, help: help}
		if rest != "" {
			t.attached = &rest
		}
	}
	if t.attached != nil {
		return 0, t.opt.set(*t.attached)
	}
	if len(next) == 0 || next[0] == "--" {
		return 0, usage("argument %s: expected one argument", t.opt)
	}
	if n, err := p.classify(next[0]); err != nil || n.class == known {
		return 0, usage("argument %s: expected one argument", t.opt)
	}
	return 1, t.opt.set(next[0])
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}

// find returns the option of exactly that name, or whether it is the help.
func (p *Parser) find(name string) (*option, bool) {
	for _, o := range p.opts {
		if name == o.short || name == o.long {
			return o, false
		}
	}
	return nil, name == "-h" || name == "--help"
}

// classify follows the rules a to h of TOOLKIT.md 1.3 in their order.
func (p *Parser) classify(arg string) (token, error) {
	t := token{class: known, text: arg}
	if len(arg) < 2 || arg[0] != '-' {
		return token{text: arg}, nil
	}
	if t.opt, t.help = p.find(arg); t.opt != nil || t.help {
		return t, nil
	}
	name, val, hasVal := strings.Cut(arg, "=")
	if hasVal {
		t.attached = &val
		if t.opt, t.help = p.find(name); t.opt != nil || t.help {
			return t, nil
		}
	}
	if strings.HasPrefix(arg, "--") {
		switch matches := p.abbreviated(name); {
		case len(matches) > 1:
			return t, usage("ambiguous option: %s could match %s", arg, strings.Join(matches, ", "))
		case len(matches) == 1:
			t.opt, t.help = p.find(matches[0])
			return t, nil
		}
	} else if t.opt, t.help = p.find("-" + firstRune(arg[1:])); t.opt != nil || t.help {
		rest := arg[1+len(firstRune(arg[1:])):]
		t.attached = &rest
		return t, nil
	}
	if negative(arg) || strings.Contains(arg, " ") {
		return token{text: arg}, nil
	}
	return token{class: unknown, text: arg}, nil
}

// abbreviated lists the long options that start with prefix.
func (p *Parser) abbreviated(prefix string) []string {
	var out []string
	for _, o := range p.opts {
		if o.long != "" && strings.HasPrefix(o.long, prefix) {
			out = append(out, o.long)
		}
	}
	if strings.HasPrefix("--help", prefix) {
		out = append(out, "--help")
	}
	return out
}

// negative reports -digits and -digits.digits, the one kind of value that may
// start with a dash.
func negative(arg string) bool {
	whole, frac, dot := strings.Cut(arg[1:], ".")
	digits := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
	if dot {
		return digits(whole) && digits(frac) && frac != ""
	}
	return whole != "" && digits(whole)
}
