package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

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
		"no time":           {Watchdog: -1},
		"bytes in MiB":      {Memory: 16 << 40},
		"countless pids":    {MaxPids: mostPids + 1},
		"negative CPUs":     {MaxCPUs: -1},
		"CPUs":              {MaxCPUs: math.Inf(1)},
		"no number of CPUs": {MaxCPUs: math.NaN()},
		"little memory":     {Memory: 19},
		"little of it":      {MaxMemory: 19},
		"more than all":     {Memory: 100, MaxMemory: 101},
		"bad namespace":     {Namespace: "b d"},
		"bad image":         {Environment: map[string]string{"x": "Not/An:Image:"}},
	} {
		if c.normal() == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

// Several images can be given in the one variable of a file of settings, too.
func TestSeveralEnvironments(t *testing.T) {
	t.Setenv("P_ENVIRONMENT", "gcc=gcc:14;py=example.org/py@sha256:"+strings.Repeat("0", 64))
	for _, args := range [][]string{{"tcp://b:1"}, {"tcp://b:1", "--environment=gcc=gcc:14", "--environment=py=x"}} {
		var c config
		k, err := kong.New(&c, kong.DefaultEnvars("P"), kong.Vars{"version": ""})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Parse(args); err != nil || len(c.Environment) != 2 || c.Environment["gcc"] != "gcc:14" || c.Environment["py"] == "" {
			t.Errorf("%q: %q, %v", args, c.Environment, err)
		}
	}
}

// Every flag has its variable, and containerd's own for its address counts too.
func TestVariables(t *testing.T) {
	for _, set := range []struct{ name, value string }{
		{"CONTAINERD_ADDRESS", "/theirs"}, {"INGINIOUS_AGENT_CONTAINERD_CONTAINERD_ADDRESS", "/ours"},
	} {
		t.Setenv(set.name, set.value)
		var c config
		k, err := kong.New(&c, kong.DefaultEnvars("INGINIOUS_AGENT_CONTAINERD"), kong.Vars{"version": ""})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Parse([]string{"tcp://b:1"}); err != nil || c.ContainerdAddress != set.value {
			t.Errorf("with %s: %s, %v", set.name, c.ContainerdAddress, err)
		}
	}
}

// An agent does not start without the controllers of the limits that it is to set.
func TestControllers(t *testing.T) {
	for name, c := range map[string]struct {
		config config
		want   []string
	}{
		"usual":              {config{}, nil},
		"a limit of io":      {config{MaxIO: 1}, []string{"cpu", "io", "memory", "pids"}},
		"no limits":          {config{Unlimited: true}, []string{}},
		"no limits, not one": {config{Unlimited: true, MaxIO: 1}, []string{}},
	} {
		if got := c.config.controllers(); !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
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
