package grade

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/ingot-grading/ingot/agent"
)

// userError is a refusal whose text a student may read. All other errors are
// shown to nobody but the operator.
type userError struct {
	Text string
	Err  error // what happened, for the log; may be nil
}

func (e *userError) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return fmt.Sprintf("%s (%v)", e.Text, e.Err)
}

func (e *userError) Unwrap() error { return e.Err }

// unreadable begins the text of every result that could not be read (PROTOCOL.md 7.3).
const unreadable = "The grader did not return a readable output : "

func refuse(err error, format string, args ...any) error {
	return &userError{Text: fmt.Sprintf(format, args...), Err: err}
}

// textOf is what a student may read of err.
func textOf(err error) string {
	if user, ok := errors.AsType[*userError](err); ok {
		return user.Text
	}
	return agent.TextUnknown
}

// showable reports whether a stranger's text is fit for a line of a screen: there
// is some, of 128 bytes at most, and nothing in it moves the cursor.
func showable(text string) bool {
	return text != "" && len(text) <= 128 && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) })
}
