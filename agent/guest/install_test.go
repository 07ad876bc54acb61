package guest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstallMakesLinks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bin")
	self := filepath.Join(dir, Self)
	for range 2 { // the second time over the first one's links
		if err := Install(dir, self); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range Names() {
		if target, err := os.Readlink(filepath.Join(dir, name)); err != nil || target != Self {
			t.Errorf("%s leads to %q, %v", name, target, err)
		}
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "tag"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Install(other, self); err == nil {
		t.Error("a file was replaced")
	}
}

func TestCommandsAreFoundByName(t *testing.T) {
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"/usr/local/bin/rst-indent", "-m", "x"}, 0, "\tx\n\n", ""},
		{[]string{"ingot-init", "rst-indent", "-m", "x"}, 0, "\tx\n\n", ""},
		{[]string{"/x/ingot-init", "/y/rst-indent", "-m", "x"}, 0, "\tx\n\n", ""},
		{[]string{"ingot-init"}, 2, "", "commands: INGInious _run_student_intern archive"},
		{[]string{"ingot-init", "--install"}, 2, "", "--install DIR"},
		{[]string{"ingot-init", "ls"}, 127, "", "no such command"},
		{[]string{"inginious-ipython"}, 1, "", "No file given\n"},
		{nil, 2, "", "usage"},
	} {
		dir := t.TempDir()
		p := Process{Args: c.args}
		p.Stdin, p.Stdout, p.Stderr = stream(t, dir+"/in", ""), stream(t, dir+"/out", ""), stream(t, dir+"/err", "")
		if code := Main(p); code != c.code {
			t.Errorf("%q: exit %d, want %d", c.args, code, c.code)
		}
		if out := content(t, p.Stdout); out != c.stdout {
			t.Errorf("%q: printed %q", c.args, out)
		}
		if errs := content(t, p.Stderr); !strings.Contains(errs, c.stderr) || c.stderr == "" && errs != "" {
			t.Errorf("%q: standard error %q", c.args, errs)
		}
	}
}

// What cannot be ingot-init is told before any container runs it.
func TestCheckProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckProgram(self); err != nil {
		t.Error(err)
	}
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{script, filepath.Dir(script), script + "none"} {
		if err := CheckProgram(path); err == nil || !strings.HasPrefix(err.Error(), path+" is no program: ") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
