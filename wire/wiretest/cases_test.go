package wiretest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCaseFiles(t *testing.T) {
	t.Setenv("INGOT_CASES", "")
	if got, err := CaseFiles("vectors*.jsonl"); got != nil || err != nil {
		t.Errorf("%v, %v without a folder", got, err)
	}
	dir := t.TempDir()
	t.Setenv("INGOT_CASES", dir)
	if got, err := CaseFiles("vectors*.jsonl"); len(got) != 0 || err != nil {
		t.Errorf("%v, %v of an empty folder", got, err)
	}
	var want []string
	for _, name := range []string{"vectors.jsonl", "vectors_new.jsonl", "vectors.txt", "other.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		want = append(want, filepath.Join(dir, name))
	}
	if got, err := CaseFiles("vectors*.jsonl"); !slices.Equal(got, want[:2]) || err != nil {
		t.Errorf("%v, %v; want %v", got, err, want[:2])
	}
	t.Setenv("INGOT_CASES", filepath.Join(dir, "nowhere"))
	if got, err := CaseFiles("vectors*.jsonl"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, %v of no folder", got, err)
	}
}
