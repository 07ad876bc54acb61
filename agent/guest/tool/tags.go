package tool

import "github.com/ingot-grading/ingot/agent/guest/argparse"

// TagSet is tag-set (TOOLKIT.md 3.7).
func TagSet(e *Env) error {
	p := argparse.New(e.Prog)
	tag := p.Positional("tag")
	value := p.Positional("value")
	if err := e.Parse(p); err != nil {
		return err
	}
	return e.Feedback().SetTag(*tag, *value == "true" || *value == "True")
}

// Tag is tag (TOOLKIT.md 3.8).
func Tag(e *Env) error {
	p := argparse.New(e.Prog)
	value := p.Positional("value")
	if err := e.Parse(p); err != nil {
		return err
	}
	return e.Feedback().Tag(*value)
}
