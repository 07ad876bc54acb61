package mcq

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// What was found in the tasks directory counts for a moment, whatever happens
// there: a job takes less time than looking again.
func TestChangesCountAfterAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, dir := newExecutor(t, RulesHead)
		e.tasks.fresh = freshness
		expect := func(want string) {
			t.Helper()
			if got := feedbackOf(t, e, inFrench); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		expect("hello")
		writeMO(t, dir, "course/task/$i18n/fr.mo", "hello", "salut")
		expect("hello")
		time.Sleep(freshness)
		expect("salut")
		writeMO(t, dir, "course/task/$i18n/fr.mo", "hello", "bonjour")
		expect("salut")
		time.Sleep(freshness)
		expect("bonjour")
		if err := os.RemoveAll(filepath.Join(dir, "course/task")); err != nil {
			t.Fatal(err)
		}
		expect("bonjour")
		time.Sleep(freshness)
		if res := e.Run(t.Context(), newJob(t, oneChoice, inFrench), nil); res.Text != textNoTask {
			t.Errorf("the task is gone: %s %q", res.Status, res.Text)
		}
	})
}

// Students choose languages, so what is remembered of them has a bound.
func TestPlacesAreBounded(t *testing.T) {
	e, _ := newExecutor(t, RulesHead)
	for i := range maxPlaces + 10 {
		if _, err := e.tasks.texts("course", "task", fmt.Appendf(nil, "l%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(e.tasks.places); n > maxPlaces || n == 0 {
		t.Errorf("%d places are remembered, want at most %d", n, maxPlaces)
	}
}
