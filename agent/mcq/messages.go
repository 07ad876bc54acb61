package mcq

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/leonelquinteros/gotext"
)

//go:embed po/*.po
var poFiles embed.FS

// What the agent itself says, in English. The catalogues are keyed by these.
const (
	msgWrongMultiple = "Wrong answer. Make sure to select all the valid possibilities"
	msgWrong         = "Wrong answer"
	msgCorrect       = "Correct answer"
	msgProblems      = "You have {} wrong answer(s)."
	msgChoices       = "Among them, you have {} invalid answers in the multiple choice questions"
)

// Texts of a task that stand for one of the agent's own, whoever wrote them.
const (
	markWrongMultiple = "_wrong_answer_multiple"
	markWrong         = "_wrong_answer"
	markCorrect       = "_correct_answer"
)

// messages is what the agent says in one language.
type messages struct {
	wrongMultiple, wrong, correct string
	problems, choices             counted
}

// counted is a message around a number.
type counted struct{ before, after string }

// translated returns the messages that say in another language what English
// says. A message that say does not know comes back in English.
func translated(say func(string) string) *messages {
	around := func(english string) counted {
		before, after, _ := strings.Cut(say(english), "{}")
		return counted{before, after}
	}
	return &messages{
		wrongMultiple: say(msgWrongMultiple),
		wrong:         say(msgWrong),
		correct:       say(msgCorrect),
		problems:      around(msgProblems),
		choices:       around(msgChoices),
	}
}

// readMessages returns the messages of each of languages, and English under "".
func readMessages(languages []string) (map[string]*messages, error) {
	all := map[string]*messages{"": translated(func(s string) string { return s })}
	for _, lang := range languages {
		src, err := poFiles.ReadFile("po/" + lang + ".po")
		if err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		po := gotext.NewPo()
		po.Parse(src)
		texts := po.GetDomain().GetTranslations()
		all[lang] = translated(func(s string) string {
			if t := texts[s]; t != nil {
				return t.Get()
			}
			return s
		})
	}
	return all, nil
}

// unmark returns the message that text stands for, "" if it is no marker.
func (m *messages) unmark(text []byte) string {
	switch string(text) {
	case markWrongMultiple:
		return m.wrongMultiple
	case markWrong:
		return m.wrong
	case markCorrect:
		return m.correct
	}
	return ""
}

// append writes the message with its number.
func (c counted) append(b []byte, n int) []byte {
	b = append(b, c.before...)
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, c.after...)
}
