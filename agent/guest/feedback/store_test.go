package feedback_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
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
	for _, make := range []func() error{
		func() error { return os.Symlink("/etc/passwd", path) },
		func() error { return os.Mkdir(path, 0o755) },
	} {
		if err := make(); err != nil {
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
	if err := s.SetCustom("k", []any{math.NaN(), pyjson.Int("18446744073709551615")}); err != nil {
		t.Error(err)
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
}

func BenchmarkSetResult(b *testing.B) {
	s := feedback.In(b.TempDir())
	for b.Loop() {
		if err := s.SetResult("success", "q1"); err != nil {
			b.Fatal(err)
		}
	}
}
