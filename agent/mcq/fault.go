package mcq

import "fmt"

// fault is why a job cannot be graded. Its text is the job's result: the Python
// agent answers in these cases with the same status and says nothing of use.
type fault struct {
	answer  bool   // the answer is at fault, not the task
	problem string // which problem, empty if none in particular
	what    string
}

// Error implements error. The text names problems, which are their author's,
// but never repeats what a student sent.
func (f *fault) Error() string {
	where := ""
	if f.problem != "" {
		where = fmt.Sprintf("problem %.64q: ", f.problem)
	}
	if f.answer {
		return "Your answer cannot be graded: " + where + f.what + "."
	}
	return "This task cannot be graded: " + where + f.what + ". Please contact your course administrator."
}

// badTask says that the definition of the problem at hand is wrong.
func (g *grading) badTask(format string, args ...any) error {
	return &fault{problem: string(g.id), what: fmt.Sprintf(format, args...)}
}

// badAnswer says that the answer to the problem at hand is wrong in kind.
func (g *grading) badAnswer(what string) error {
	return &fault{answer: true, problem: string(g.id), what: what}
}
