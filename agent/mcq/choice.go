package mcq

// choice is one choice of a multiple choice problem.
type choice struct {
	good     bool
	chosen   bool
	feedback value
}

// multipleChoice checks the answer to a multiple choice problem and writes its
// messages (PROTOCOL.md 6.3).
func (g *grading) multipleChoice(d *definition, answer value) (valid bool, err error) {
	if err := g.readChoices(d); err != nil {
		return false, err
	}
	if answer.absent() {
		return false, g.badAnswer("no answer was received")
	}
	marker := g.say.wrong
	wrong := 0
	if d.multiple {
		marker = g.say.wrongMultiple
		if err := g.choose(answer); err != nil {
			return false, err
		}
		for i := range g.choices {
			if g.choices[i].good != g.choices[i].chosen {
				wrong++
			}
		}
	} else {
		i, err := g.index(answer)
		if err != nil {
			return false, err
		}
		if !g.choices[i].good {
			wrong = 1
		}
	}
	g.wrongChoices += wrong
	if err := g.verdict(d, wrong == 0, marker); err != nil {
		return false, err
	}
	return wrong == 0, g.feedback(d, answer)
}

// readChoices fills g.choices and checks what Python checks of a definition.
func (g *grading) readChoices(d *definition) error {
	g.choices = g.choices[:0]
	w, ok := d.choices.items()
	if !ok {
		return g.badTask("its choices are not a list")
	}
	var good int64
	for w.left > 0 {
		c, ok := readChoice(w.next())
		if !ok {
			return g.badTask("choice %d is not a map with a text", len(g.choices))
		}
		if c.good {
			good++
		}
		g.choices = append(g.choices, c)
	}
	if good == 0 {
		return g.badTask("none of its choices is valid")
	}
	if !d.limit.absent() && !limitFits(d.limit, d.multiple, good) {
		return g.badTask("its limit is not a number that allows all its valid choices")
	}
	return nil
}

// readChoice reads one choice. It is false for one without a text.
func readChoice(v value) (c choice, ok bool) {
	w, isMap := v.entries()
	for isMap && w.left > 0 {
		key, val := w.pair()
		name, _ := key.text()
		switch string(name) {
		case "text":
			ok = true
		case "valid":
			c.good = val.truthy()
		case "feedback":
			c.feedback = val
		}
	}
	return c, ok
}

// limitFits checks how many choices a student may tick. Its value does not
// matter for grading. Python takes a bool for a number here.
func limitFits(limit value, multiple bool, good int64) bool {
	if !limit.integral() {
		return false
	}
	n, _ := pyInt(limit)
	return n >= 0 && (!multiple || n == 0 || n >= good)
}

// choose marks the choices of an answer with several.
func (g *grading) choose(answer value) error {
	w, ok := answer.items()
	if !ok {
		return g.badAnswer("it is not a list of choices")
	}
	for w.left > 0 {
		v := w.next()
		i, err := g.index(v)
		if err != nil {
			return err
		}
		if isIndex(v, int64(i)) {
			g.choices[i].chosen = true
		}
	}
	return nil
}

// index returns the choice that v names.
func (g *grading) index(v value) (int, error) {
	i, ok := pyInt(v)
	if !ok {
		return 0, g.badAnswer("it is not the number of a choice")
	}
	if i < 0 || i >= int64(len(g.choices)) {
		return 0, g.badAnswer("there is no such choice")
	}
	return int(i), nil
}

// verdict writes what comes before the feedbacks.
func (g *grading) verdict(d *definition, valid bool, marker string) error {
	switch {
	case valid && !d.successMessage.null():
		return g.taskLine(d.successMessage, "success_message")
	case valid:
		return nil
	case !d.errorMessage.null():
		return g.taskLine(d.errorMessage, "error_message")
	case !d.centralize:
		g.line(marker)
	}
	return nil
}

// feedback writes the feedback of each element of the answer, in its order.
func (g *grading) feedback(d *definition, answer value) error {
	w := walk{rest: answer, left: 1}
	if d.multiple {
		w, _ = answer.items()
	}
	for w.left > 0 {
		i, err := g.index(w.next())
		if err != nil {
			return err
		}
		if text := g.choices[i].feedback; !text.null() {
			if err := g.taskLine(text, "feedback of a choice"); err != nil {
				return err
			}
		}
	}
	return nil
}
