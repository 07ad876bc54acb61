package mcq

import "testing"

// Every language says everything, and numbers keep their place.
func TestMessagesComplete(t *testing.T) {
	all, err := readMessages(RulesHead.set().languages)
	if err != nil {
		t.Fatal(err)
	}
	english := all[""]
	if len(all) != 6 {
		t.Errorf("%d languages, want 6", len(all))
	}
	for lang, m := range all {
		if lang == "" {
			continue
		}
		if m.wrong == english.wrong || m.correct == english.correct || m.wrongMultiple == english.wrongMultiple ||
			m.problems == english.problems || m.choices == english.choices {
			t.Errorf("%s: not all is translated: %+v", lang, *m)
		}
	}
	for lang, want := range map[string][2]string{
		"":      {"You have 3 wrong answer(s).", "Among them, you have 3 invalid answers in the multiple choice questions"},
		"fr":    {"Vous avez 3 mauvaise(s) réponse(s).", "Parmi celles-ci, vous avez 3 réponses invalides dans les questions à choix multiple"},
		"nb_NO": {"Du har 3 feil svar.", "Du har 3 feil svar i flervalgsoppgavene"},
		"he":    {"יש לך 3 תשובות שגויות.", "מתוכן, 3 תשובות שגויות בשאלות רב־ברירה"},
	} {
		m := all[lang]
		if got := [2]string{string(m.problems.append(nil, 3)), string(m.choices.append(nil, 3))}; got != want {
			t.Errorf("%q: %q, want %q", lang, got, want)
		}
	}
}

func TestMessagesUnknownLanguage(t *testing.T) {
	if _, err := readMessages([]string{"tlh"}); err == nil {
		t.Error("a language without a file is taken")
	}
}
