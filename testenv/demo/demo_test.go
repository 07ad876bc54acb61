package demo_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ingot-grading/ingot/testenv/demo"
)

func TestEachTaskIsInTheTableOnce(t *testing.T) {
	table, err := demo.Load()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := demo.Install(dir); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{"course.yaml": true}
	for _, c := range table.Cases {
		if seen[c.Task] {
			t.Errorf("%s is there twice", c.Task)
		}
		seen[c.Task] = true
		if c.EnvironmentType != "mcq" {
			checkGrader(t, filepath.Join(dir, table.Course), c)
		}
		if c.Expect.Status == "" || c.Shows == "" {
			t.Errorf("%s expects nothing", c.Task)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, table.Course))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !seen[e.Name()] {
			t.Errorf("%s is not in the table", e.Name())
		}
	}
}

// checkGrader looks at what runs in a container.
func checkGrader(t *testing.T, course string, c demo.Case) {
	t.Helper()
	st, err := os.Stat(filepath.Join(course, c.Task, "run"))
	if err != nil {
		t.Error(err)
	} else if st.Mode().Perm() != 0o755 {
		t.Errorf("%s/run has mode %o", c.Task, st.Mode().Perm())
	}
	if c.Limits.Time <= 0 || c.Limits.HardTime <= 0 || c.Limits.Memory <= 0 {
		t.Errorf("%s lacks a limit: %+v", c.Task, c.Limits)
	}
}
