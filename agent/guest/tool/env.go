package tool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ingot-grading/ingot/agent/guest/argparse"
	"github.com/ingot-grading/ingot/agent/guest/feedback"
	"github.com/ingot-grading/ingot/agent/guest/input"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// Env is what a command sees of the world.
type Env struct {
	Prog   string   // the name it was called by
	Args   []string // after the name; UTF-8
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Root stands before every absolute path, Dir before every relative one.
	// Both are empty but in tests.
	Root, Dir string
}

// Command runs one command. Its error says how it ends, see [Env.Exit].
type Command func(*Env) error

// exitError ends a command with a code and with text for its streams, printed
// as it is.
type exitError struct {
	code           int
	stdout, stderr string
}

// Exit ends a command with a code and no more words.
func Exit(code int) error { return &exitError{code: code} }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// Exit prints what err asks for and returns the exit code: 0 for nil and for a
// request for help, 2 for a bad command line, 1 for any other error, which is
// printed as one line (TOOLKIT.md 1.2).
func (e *Env) Exit(err error) int {
	var exit *exitError
	var bad *argparse.UsageError
	switch {
	case err == nil || errors.Is(err, argparse.ErrHelp):
		return 0
	case errors.As(err, &exit):
		fmt.Fprint(e.Stdout, exit.stdout)
		fmt.Fprint(e.Stderr, exit.stderr)
		return exit.code
	case errors.As(err, &bad):
		fmt.Fprintf(e.Stderr, "%s: error: %s\n", e.Prog, bad.Text)
		return 2
	}
	fmt.Fprintf(e.Stderr, "%s: %s\n", e.Prog, err)
	return 1
}

// Parse reads the command line. It prints help on standard output, and the usage
// before an error.
func (e *Env) Parse(p *argparse.Parser) error {
	err := p.Parse(e.Args)
	switch {
	case errors.Is(err, argparse.ErrHelp):
		fmt.Fprint(e.Stdout, p.Usage())
	case err != nil:
		fmt.Fprint(e.Stderr, p.Usage())
	}
	return err
}

// Path is where the path p of a command line or of the input really is.
func (e *Env) Path(p string) string {
	if filepath.IsAbs(p) {
		return e.Root + p
	}
	return e.Dir + p
}

// Feedback is the feedback of the job.
func (e *Env) Feedback() feedback.Store { return feedback.In(e.Root + feedback.Dir) }

// Input reads the input of the job.
func (e *Env) Input() (*input.Input, error) {
	in, err := input.Load(e.Root + input.Path)
	if err == nil {
		in.Open = func(path string) ([]byte, error) { return os.ReadFile(e.Path(path)) }
	}
	return in, err
}

// parseText reads the command line. The text is the option's value, or all of
// standard input if that is empty, with its escapes decoded if asked.
func (e *Env) parseText(p *argparse.Parser, text *string, escape *bool) (string, error) {
	if err := e.Parse(p); err != nil {
		return "", err
	}
	option := *text
	if option == "" {
		b, err := io.ReadAll(e.Stdin)
		if err != nil {
			return "", fmt.Errorf("read standard input: %w", err)
		}
		option = pytext.Clean(b)
	}
	if *escape {
		return pytext.Unescape(option)
	}
	return option, nil
}
