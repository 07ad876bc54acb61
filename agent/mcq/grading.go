package mcq

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
)

// maxFeedback bounds the messages of one job, in bytes. It is what a webapp can
// store of a submission (PROTOCOL.md 7.5).
const maxFeedback = 16 << 20

// noProblems is never translated.
const noProblems = "No subproblems defined"

// grading is one job being graded. It may be used again for another: its
// buffers stay. It refers to the job's bytes until then.
type grading struct {
	rules  ruleset
	say    *messages
	texts  *catalogue // nil: texts as they are
	inputs inputs

	id        []byte   // the problem at hand
	choices   []choice // its choices
	lines     []byte   // its messages, joined
	lineCount int

	entries      []byte // of the result's map of problems
	entryCount   uint32
	state        []byte
	right, total int
	wrongChoices int
}

// grade grades all problems and returns the result, which shares no memory with
// g. The error is a fault.
func (g *grading) grade(problems wire.Raw) (wire.Result, error) {
	g.entries, g.entryCount = g.entries[:0], 0
	g.state = append(g.state[:0], '{')
	g.right, g.total, g.wrongChoices = 0, 0, 0
	w, ok := topLevel(problems)
	for ok && w.left > 0 {
		id, definition := w.pair()
		if w.broken {
			break
		}
		if err := g.problem(id, definition); err != nil {
			return wire.Result{}, err
		}
	}
	if !ok || !w.whole() {
		return wire.Result{}, &fault{what: "its problems are not a map of at most 65536 entries"}
	}
	g.state = append(g.state, '}')
	return g.result(), nil
}

// result is the job's result after its last problem.
func (g *grading) result() wire.Result {
	if g.total == 0 {
		return wire.Result{Status: "crashed", Text: noProblems} // the status is no slip: webapps know it
	}
	res := wire.Result{Status: status(g.right == g.total), Grade: percent(g.right, g.total), State: string(g.state)}
	if g.entryCount > 0 {
		res.Problems = make(wire.Raw, 0, msgp.MapHeaderSize+len(g.entries))
		res.Problems = append(msgp.AppendMapHeader(res.Problems, g.entryCount), g.entries...)
	}
	if wrong := g.total - g.right; wrong > 0 {
		g.lines = g.say.problems.append(g.lines[:0], wrong)
		if g.wrongChoices > 0 {
			g.lines = g.say.choices.append(append(g.lines, "\n\n\n"...), g.wrongChoices)
		}
		res.Text = string(g.lines)
	}
	return res
}

// add ends the problem at hand.
func (g *grading) add(id []byte, valid bool) {
	if g.total++; g.total > 1 {
		g.state = append(g.state, ", "...)
	}
	g.state = append(appendStateKey(g.state, id), `: ""`...)
	if valid {
		g.right++
	}
	if g.lineCount > 0 {
		g.entryCount++
		g.entries = msgp.AppendStringFromBytes(g.entries, id)
		g.entries = msgp.AppendArrayHeader(g.entries, 2)
		g.entries = msgp.AppendString(g.entries, status(valid))
		g.entries = msgp.AppendStringFromBytes(g.entries, g.lines)
	}
}

// taskLine adds a text of the task to the messages, translated.
func (g *grading) taskLine(v value, name string) error {
	text, ok := v.text()
	if !ok {
		return g.badTask("the %s is not a text", name)
	}
	start := g.nextLine()
	g.lines = g.texts.append(g.lines, text, g.rules.emptyIsHeader)
	if mark := g.say.unmark(g.lines[start:]); mark != "" {
		g.lines = append(g.lines[:start], mark...)
	} else if !utf8.Valid(g.lines[start:]) {
		g.lines = append(g.lines[:start], bytes.ToValidUTF8(g.lines[start:], []byte("\uFFFD"))...)
	}
	if len(g.entries)+len(g.lines) > maxFeedback {
		return g.badTask("there is too much feedback")
	}
	return nil
}

// line adds one of the agent's own messages.
func (g *grading) line(text string) {
	g.nextLine()
	g.lines = append(g.lines, text...)
}

// nextLine starts another message and returns where.
func (g *grading) nextLine() int {
	if g.lineCount++; g.lineCount > 1 {
		g.lines = append(g.lines, "\n\n"...)
	}
	return len(g.lines)
}

// status is the word for a problem or a job whose problems are all valid or not.
func status(valid bool) string {
	if valid {
		return "success"
	}
	return "failed"
}

// percent is how much of total is right, rounded to two decimals as Python
// does: half to even on the exact binary value (PROTOCOL.md 1.6).
func percent(right, total int) float64 {
	exact := 100 * float64(right) / float64(total)
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(exact, 'f', 2, 64), 64)
	if err != nil {
		return exact // cannot be: it was just written
	}
	return rounded
}

// maxBuffer is up to how many bytes a buffer is kept for the next job.
const maxBuffer = 64 << 10

// forget lets go of the job, and of buffers that were for an unusual one.
func (g *grading) forget() {
	g.id, g.texts, g.say = nil, nil, nil
	if cap(g.entries)+cap(g.lines)+cap(g.state)+64*cap(g.choices)+64*cap(g.inputs.list) > maxBuffer {
		*g = grading{rules: g.rules}
		return
	}
	clear(g.choices[:cap(g.choices)])
	clear(g.inputs.list[:cap(g.inputs.list)])
	g.inputs.keys = nil
}
