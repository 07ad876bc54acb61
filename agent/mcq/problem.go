package mcq

// definition is what grading needs of a problem's description in its task file.
// Absent fields are absent values.
type definition struct {
	kind           []byte
	multiple       bool
	centralize     bool
	choices        value
	limit          value
	answer         value
	errorMessage   value
	successMessage value
}

// define reads the description of the problem at hand.
func (g *grading) define(v value) (definition, error) {
	var d definition
	w, ok := v.entries()
	if !ok {
		return d, g.badTask("its definition is not a map")
	}
	for w.left > 0 {
		key, val := w.pair()
		name, _ := key.text()
		switch string(name) {
		case "type":
			d.kind, _ = val.text()
		case "multiple":
			d.multiple = val.truthy()
		case "centralize":
			d.centralize = val.truthy()
		case "choices":
			d.choices = val
		case "limit":
			d.limit = val
		case "answer":
			d.answer = val
		case "error_message":
			d.errorMessage = val
		case "success_message":
			d.successMessage = val
		}
	}
	return d, nil
}

// problem grades one problem and adds it to the result.
func (g *grading) problem(id, definition value) error {
	name, _ := id.text()
	g.id = name
	if !validID(name) {
		return g.badTask("its id is not made of letters, digits, '-', '.' and '_'")
	}
	d, err := g.define(definition)
	if err != nil {
		return err
	}
	g.lines, g.lineCount = g.lines[:0], 0
	answer := g.inputs.get(name)
	valid := false
	switch string(d.kind) {
	case "multiple_choice":
		valid, err = g.multipleChoice(&d, answer)
	case "match":
		valid, err = g.match(&d, answer)
	case "code", "code_single_line", "file":
		err = g.badTask("it has type %q and needs a container, but the task is configured as MCQ", d.kind)
	default:
		err = g.badTask("its type is not known to the MCQ agent: %.64q", d.kind)
	}
	if err != nil {
		return err
	}
	g.add(name, valid)
	return nil
}
