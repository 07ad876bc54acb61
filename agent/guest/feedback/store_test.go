package feedback_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/feedback"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
)

func TestChangesAtTheSameTimeLoseNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "output")
	s := feedback.In(dir)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if err := s.SetText("x", "", true); err != nil {
				t.Error(err)
			}
			if err := s.SetCustom(fmt.Sprint(i), pyjson.Int("1")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	o, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	text, _ := o.Get("text")
	custom, _ := o.Get("custom")
	if text := text.(string); len(text) != 50 || custom.(*pyjson.Object).Len() != 50 {
		t.Errorf("%d texts and %d values of 50", len(text), custom.(*pyjson.Object).Len())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestModeIsKept(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, feedback.Name)
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o777)); err != nil {
		t.Fatal(err)
	}
	if err := feedback.In(dir).SetState("s"); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o777 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, feedback.Name)
	for _, put := range []func() error{
		func() error { return os.Symlink("/etc/passwd", path) },
		func() error { return os.Mkdir(path, 0o755) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if _, err := feedback.In(dir).Load(); err == nil {
			t.Error("it was read")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := feedback.In(dir).Load(); err != nil {
		t.Errorf("no file: %v", err)
	}
}

// In a directory that takes no new file the old one is written anew, whole.
func TestFileIsWrittenInPlace(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, fmt.Sprintf(".%s.%d", feedback.Name, os.Getpid())) // of a killed call
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := feedback.In(dir)
	for _, text := range []string{"long text", "short"} {
		if err := s.SetText(text, "", false); err != nil {
			t.Fatal(err)
		}
		want := `{"text": "` + text + `"}`
		if b, err := os.ReadFile(filepath.Join(dir, feedback.Name)); err != nil || string(b) != want {
			t.Errorf("%s, %v", b, err)
		}
	}
}

// What could not be read again is not written: the feedback so far counts.
func TestFeedbackThatIsTooLarge(t *testing.T) {
	dir := t.TempDir()
	const exact = `{"text": "x"}`
	s := feedback.Small(dir, len(exact))
	if err := s.SetText("x", "", false); err != nil {
		t.Fatal(err)
	}
	if s.SetText("y", "", true) == nil {
		t.Error("a byte more was written")
	}
	o, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := o.Get("text"); text != "x" {
		t.Errorf("text %q", text)
	}
	if o, err := feedback.Small(dir, len(exact)-1).Load(); err == nil {
		t.Errorf("%v was read", o)
	}
}

func TestValuesThatCannotBeSent(t *testing.T) {
	s := feedback.In(t.TempDir())
	for _, grade := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if s.SetGrade(grade) == nil {
			t.Errorf("grade %v was taken", grade)
		}
	}
	if s.SetCustom("k", []any{pyjson.Int("18446744073709551616")}) == nil {
		t.Error("a number of 65 bits was taken")
	}
	inner := new(pyjson.Object)
	inner.Set("n", math.Inf(-1))
	if err := s.SetCustom("k", []any{math.NaN(), pyjson.Int("18446744073709551615"), inner}); err != nil {
		t.Fatal(err)
	}
	o, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	b, err := pyjson.Append(nil, o)
	if want := `{"custom": {"k": ["nan", 18446744073709551615, {"n": "-inf"}]}}`; err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

func TestSameTagTwiceIsOne(t *testing.T) {
	s := feedback.In(t.TempDir())
	for _, tag := range []string{"a", "a", "b", ""} {
		if err := s.Tag(tag); err != nil {
			t.Fatal(err)
		}
	}
	o, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	tests, _ := o.Get("tests")
	if n := tests.(*pyjson.Object).Len(); n != 3 {
		t.Errorf("%d tags", n)
	}
	if v, ok := tests.(*pyjson.Object).Get("*auto-tag-0"); !ok || v != "" {
		t.Errorf("the empty tag: %v", v)
	}
}

func TestIDsThatAreAccepted(t *testing.T) {
	for id, want := range map[string][2]bool{ // as a problem, as a tag
		"q1": {true, true}, "A-z_0.9": {true, true}, "*auto-tag--1": {false, true}, "": {}, "a b": {}, "a/b": {}, "é": {}, "a@": {}, "a[": {},
	} {
		if got := [2]bool{feedback.ValidID(id, false), feedback.ValidID(id, true)}; got != want {
			t.Errorf("%q: %v, want %v", id, got, want)
		}
	}
}

// What is nested too deep may be JSON: it is an error, and no corrupt file.
func TestFeedbackThatIsTooDeep(t *testing.T) {
	dir := t.TempDir()
	deep := `{"a": ` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`
	if err := os.WriteFile(filepath.Join(dir, feedback.Name), []byte(deep), 0o600); err != nil {
		t.Fatal(err)
	}
	if o, err := feedback.In(dir).Load(); !errors.Is(err, pyjson.ErrDepth) {
		t.Errorf("%v, %v", o, err)
	}
}

func BenchmarkSetResult(b *testing.B) {
	s := feedback.In(b.TempDir())
	for b.Loop() {
		if err := s.SetResult("success", "q1"); err != nil {
			b.Fatal(err)
		}
	}
}
