package tool

import (
	"fmt"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/argparse"
	"github.com/ingot-grading/ingot/agent/guest/feedback"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// FeedbackResult is feedback-result (TOOLKIT.md 3.1).
func FeedbackResult(e *Env) error {
	p := argparse.New(e.Prog)
	id := p.String("-i", "--id", "")
	result := p.Positional("result")
	if err := e.Parse(p); err != nil {
		return err
	}
	return e.Feedback().SetResult(*result, *id)
}

// FeedbackGrade is feedback-grade (TOOLKIT.md 3.2).
func FeedbackGrade(e *Env) error {
	p := argparse.New(e.Prog)
	grade := p.Positional("grade")
	if err := e.Parse(p); err != nil {
		return err
	}
	return setGrade(e.Feedback(), *grade)
}

func setGrade(s feedback.Store, text string) error {
	grade, ok := pytext.Float(text)
	if !ok {
		return fmt.Errorf("not a number: %q", text)
	}
	return s.SetGrade(grade)
}

// FeedbackMsg is feedback-msg (TOOLKIT.md 3.3).
func FeedbackMsg(e *Env) error {
	p := argparse.New(e.Prog)
	add := p.Flag("-a", "--append")
	id := p.String("-i", "--id", "")
	escape := p.Flag("-e", "--escape")
	message := p.String("-m", "--message", "")
	text, err := e.parseText(p, message, escape)
	if err != nil {
		return err
	}
	return e.Feedback().SetText(text, *id, *add)
}

// FeedbackCustom is feedback-custom (TOOLKIT.md 3.4).
func FeedbackCustom(e *Env) error {
	p := argparse.New(e.Prog)
	isJSON := p.Flag("-j", "--json")
	key := p.Positional("key")
	value := p.Positional("value")
	if err := e.Parse(p); err != nil {
		return err
	}
	return setCustom(e.Feedback(), *key, *value, *isJSON, "--json")
}

func setCustom(s feedback.Store, key, value string, isJSON bool, option string) error {
	if !isJSON {
		return s.SetCustom(key, pyjson.Number(value))
	}
	v, err := pyjson.Parse(value)
	if err != nil {
		return &exitError{code: 1, stdout: "Cannot decode json. Invalid value for " + option + "\n"}
	}
	return s.SetCustom(key, v)
}

// FeedbackState is feedback-state (TOOLKIT.md 3.5).
func FeedbackState(e *Env) error {
	p := argparse.New(e.Prog)
	state := p.Positional("value")
	if err := e.Parse(p); err != nil {
		return err
	}
	return e.Feedback().SetState(*state)
}

// Feedback is feedback, the older command that does several things. Each is
// saved before the next is tried (TOOLKIT.md 3.6).
func Feedback(e *Env) error {
	p := argparse.New(e.Prog)
	result := p.String("-r", "--result", "")
	grade := p.String("-g", "--grade", "")
	text := p.String("-f", "--feedback", "")
	id := p.String("-i", "--id", "")
	escape := p.Flag("-e", "--escape")
	show := p.Flag("-p", "--print")
	custom := p.String("-c", "--custom", "")
	customJSON := p.String("-j", "--custom-json", "")
	if err := e.Parse(p); err != nil {
		return err
	}
	if *escape {
		var err error
		if *text, err = pytext.Unescape(*text); err != nil {
			return err
		}
	}
	s := e.Feedback()
	if *result != "" {
		if err := s.SetResult(*result, *id); err != nil {
			return err
		}
	}
	if *grade != "" {
		if err := setGrade(s, *grade); err != nil {
			return err
		}
	}
	if *text != "" {
		if err := s.SetText(*text, *id, false); err != nil {
			return err
		}
	}
	if err := namedCustom(s, *custom, *customJSON); err != nil {
		return err
	}
	if *show {
		return e.show(s)
	}
	return nil
}

// namedCustom stores a "name:value"; the one with JSON comes before the other.
func namedCustom(s feedback.Store, plain, asJSON string) error {
	if asJSON != "" {
		name, value, _ := strings.Cut(asJSON, ":")
		return setCustom(s, name, value, true, "--custom-json")
	}
	if plain != "" {
		name, value, _ := strings.Cut(plain, ":")
		return setCustom(s, name, value, false, "")
	}
	return nil
}

// show prints the feedback without saving it.
func (e *Env) show(s feedback.Store) error {
	o, err := s.Load()
	if err != nil {
		return err
	}
	b, err := pyjson.Append(nil, o)
	if err != nil {
		return err
	}
	_, err = e.Stdout.Write(append(b, '\n'))
	return err
}
