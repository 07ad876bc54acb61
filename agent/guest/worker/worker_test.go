package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/worker"
)

func TestSystemFiles(t *testing.T) {
	for _, c := range []struct{ task, hosts, resolv string }{
		{"", "\n", "\n"},
		{"text", "\ntext\n", "\ntext"},
		{"text\n", "\ntext\n", "\ntext\n"},
	} {
		root := t.TempDir()
		put := func(path, text string) {
			if err := errors.Join(os.MkdirAll(filepath.Dir(root+path), 0o755), os.WriteFile(root+path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range []string{"old\n" + c.hosts, c.resolv} {
			f := worker.SystemFiles[i]
			put(f.Target, "old\n")
			if err := f.Apply(root); err != nil {
				t.Errorf("none of the task's: %v", err)
			}
			put(f.Source, c.task)
			err := f.Apply(root)
			if b, readErr := os.ReadFile(root + f.Target); string(b) != want || errors.Join(err, readErr) != nil {
				t.Errorf("%s: %q, %v, want %q", f.Target, b, err, want)
			}
			if err := errors.Join(os.Remove(root+f.Source), os.Mkdir(root+f.Source, 0o755)); err != nil {
				t.Fatal(err)
			}
			if f.Apply(root) == nil {
				t.Errorf("%s: a directory was read", f.Source)
			}
		}
	}
}

func TestExitCodes(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 255": 255, "kill -KILL $$": 247, "kill -TERM $$": 241} {
		p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", script}, &os.ProcAttr{Sys: worker.Attributes(os.Geteuid())})
		if err != nil {
			t.Fatal(err)
		}
		if code, err := worker.Wait(p); code != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", script, code, err, want)
		}
	}
}

// Programs see the environment of the container, but the worker's home.
func TestEnvironment(t *testing.T) {
	t.Setenv("HOME", "/root")
	t.Setenv("HOMER", "x")
	t.Setenv("PATH", "")
	worker.DefaultPath()
	env := worker.Environ()
	homes := slices.DeleteFunc(slices.Clone(env), func(s string) bool { return len(s) < 5 || s[:5] != "HOME=" })
	if !slices.Equal(homes, []string{"HOME=/task"}) || !slices.Contains(env, "HOMER=x") {
		t.Errorf("environment %q", env)
	}
	if !slices.Contains(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") {
		t.Errorf("no path in %q", env)
	}
	t.Setenv("PATH", "/mine")
	if worker.DefaultPath(); os.Getenv("PATH") != "/mine" {
		t.Errorf("path %q", os.Getenv("PATH"))
	}
}
