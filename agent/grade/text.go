package grade

import (
	"errors"
	"fmt"
)

// UserError is a refusal whose text a student may read. All other errors are
// shown to nobody but the operator.
type UserError struct {
	Text string
	Err  error // what happened, for the log; may be nil
}

func (e *UserError) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return fmt.Sprintf("%s (%v)", e.Text, e.Err)
}

func (e *UserError) Unwrap() error { return e.Err }

// textUnknown is shown when nobody foresaw what happened.
const textUnknown = "An unknown error occurred in the agent. Please contact your course administrator."

// textStopping is shown when the agent was told to stop before the job ended.
const textStopping = "The grading agent is stopping. Please retry later."

// unreadable begins the text of every result that could not be read (PROTOCOL.md 7.3).
const unreadable = "The grader did not return a readable output : "

func refuse(err error, format string, args ...any) error {
	return &UserError{Text: fmt.Sprintf(format, args...), Err: err}
}

// textOf is what a student may read of err.
func textOf(err error) string {
	if user, ok := errors.AsType[*UserError](err); ok {
		return user.Text
	}
	return textUnknown
}
