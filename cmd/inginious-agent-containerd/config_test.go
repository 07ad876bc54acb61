package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest"
)

// What is not given follows from the machine, and what cannot work is refused.
func TestConfig(t *testing.T) {
	c := config{Environment: map[string]string{"gcc": "gcc:14", "own": "example.org/a/b@sha256:" + strings.Repeat("0", 64)}}
	if err := c.normal(); err != nil {
		t.Fatal(err)
	}
	if c.Concurrency < 1 || c.Memory < 1 {
		t.Errorf("got %+v", c)
	}
	if got := c.Environment["gcc"]; !strings.HasSuffix(got, "/library/gcc:14") {
		t.Errorf("the image is %s", got)
	}
	for name, c := range map[string]config{
		"negative memory":   {Memory: -1},
		"negative students": {MaxStudents: -1},
		"bad image":         {Environment: map[string]string{"x": "Not/An:Image:"}},
	} {
		if c.normal() == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

// The programs for images are a copy, that a new start replaces.
func TestGuest(t *testing.T) {
	if dir, err := (&config{}).guest(); dir != "" || err != nil {
		t.Errorf("not asked for: %q, %v", dir, err)
	}
	lib := t.TempDir()
	c := &config{Init: filepath.Join(lib, guest.Self), Tmpdir: t.TempDir()}
	if _, err := c.guest(); err == nil {
		t.Error("a missing program is not noticed")
	}
	for _, text := range []string{"first", "second"} {
		for _, name := range []string{guest.Self, guest.TemplateProgram} {
			if err := os.WriteFile(filepath.Join(lib, name), []byte(text+name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		dir, err := c.guest()
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"INGInious": guest.Self, "run_student": guest.Self, guest.Self: guest.Self, guest.TemplateProgram: guest.TemplateProgram,
		} {
			path := filepath.Join(dir, name)
			got, err := os.ReadFile(path)
			if err != nil || string(got) != text+want {
				t.Errorf("%s is %q, %v; want %q", name, got, err, text+want)
			}
			if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o755 {
				t.Errorf("%s has mode %v, %v", name, st.Mode(), err)
			}
		}
		if n, err := os.ReadDir(dir); err != nil || len(n) != len(guest.Names())+2 {
			t.Errorf("%d files, %v", len(n), err)
		}
	}
}
