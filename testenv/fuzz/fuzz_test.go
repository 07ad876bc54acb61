package fuzz

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTargetsAreFound(t *testing.T) {
	got, err := Targets("../../wire/zmtp", "../../wire/student")
	want := []Target{
		{"../../wire/zmtp", "FuzzHandshake"}, {"../../wire/zmtp", "FuzzMessages"},
		{"../../wire/student", "FuzzShim"}, {"../../wire/student", "FuzzLogin"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := Targets("nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want that there is no such folder", err)
	}
}

// Each command stands for one go test, with the run's number in n.
func TestRun(t *testing.T) {
	tests := map[string]struct {
		script string
		fails  bool
		says   string
	}{
		"well":                    {"true", false, "ok "},
		"finds something":         {"mkdir -p testdata/fuzz/FuzzX; echo broken; : >testdata/fuzz/FuzzX/new; exit 1", true, "broken"},
		"fails once at the end":   {"test $n != 1", false, "again "},
		"fails always at the end": {"test $n = 2", true, "FAIL "},
		"known inputs fail":       {"echo seed; false", true, "seed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			script := "#!/bin/sh\necho >>runs\nn=$(wc -l <runs)\n" + tt.script + "\n"
			command := filepath.Join(dir, "go")
			if err := os.WriteFile(command, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			r := &Runner{Go: command, Time: time.Second, Jobs: 2, Log: &log}
			err := r.Run(t.Context(), []Target{{dir, "FuzzX"}})
			if errors.Is(err, ErrFailed) != tt.fails || !strings.Contains(log.String(), tt.says) {
				t.Errorf("%v, and says:\n%s", err, &log)
			}
		})
	}
}
