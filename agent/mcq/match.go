package mcq

// match checks the answer to a match problem and writes its message
// (PROTOCOL.md 6.3).
func (g *grading) match(d *definition, answer value) (valid bool, err error) {
	if d.answer.absent() {
		return false, g.badTask("it has no answer to match")
	}
	if answer.absent() {
		return false, g.badAnswer("no answer was received")
	}
	given, ok := answer.text()
	if !ok {
		return false, g.badAnswer("it is not a text")
	}
	expected, ok := str(d.answer)
	if !ok {
		return false, g.badTask("the answer to match is not a text")
	}
	valid = string(trimSpace(given, blankOfStrip)) == string(expected)
	switch {
	case d.centralize && g.rules.centralMatch:
	case valid:
		g.line(g.say.correct)
	default:
		g.line(g.say.wrong)
	}
	return valid, nil
}
