package main

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/cmd/internal/uplink"
)

// The test's own binary is the program when this is set.
const asProgram = "TEST_AS_INGINIOUS_AGENT_CONTAINERD"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// What is wrong with the settings ends the program for good, also while containerd
// is down, which may pass.
func TestStatus(t *testing.T) {
	const here = "tcp://127.0.0.1:1"
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		status int
		args   []string
	}{
		"containerd is not running":             {1, []string{here}},
		"--tasks: stat /nonexistent":            {1, []string{here, "--tasks=/nonexistent"}},
		"--init: /nonexistent is no program":    {1, []string{here, "--init=/nonexistent"}},
		"--tasks: " + script:                    {app.ExitUsage, []string{here, "--tasks", script}},
		"--tmpdir: " + script:                   {app.ExitUsage, []string{here, "--tmpdir", script}},
		"--tmpdir: stat " + script + "/x":       {app.ExitUsage, []string{here, "--tmpdir", script + "/x"}},
		"--init: " + script + " is no program":  {app.ExitUsage, []string{here, "--init", script}},
		"--init: /etc is no program":            {app.ExitUsage, []string{here, "--init=/etc"}},
		"--memory 1: ":                          {app.ExitUsage, []string{here, "--memory=1"}},
		"--max-memory 1: ":                      {app.ExitUsage, []string{here, "--max-memory=1"}},
		"--max-memory 999999999: ":              {app.ExitUsage, []string{here, "--max-memory=999999999"}},
		"--namespace: ":                         {app.ExitUsage, []string{here, "--namespace=b d"}},
		"nonsense":                              {app.ExitUsage, []string{"nonsense"}},
		"--wire: ":                              {app.ExitUsage, []string{here, "--wire=0.1"}},
		"tls://127.0.0.1:1 needs --tls-cert":    {app.ExitUsage, []string{"tls://127.0.0.1:1"}},
		"read credentials: open /nonexistent: ": {app.ExitUsage, []string{here, "--plain-file=/nonexistent"}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := append([]string{"--tasks", dir, "--tmpdir", filepath.Join(dir, "state"), "--containerd-address", filepath.Join(dir, "none")}, c.args...)
			cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
			cmd.Env = append(os.Environ(), asProgram+"=1")
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != c.status || !strings.Contains(string(out), want) {
				t.Errorf("%v, want status %d and %q in:\n%s", err, c.status, want, out)
			}
		})
	}
}

// What keeps the agent from starting is said in one line.
func TestRefusesToStart(t *testing.T) {
	for want, change := range map[string]func(*config){
		"containerd is not running":  func(c *config) { c.ContainerdAddress = filepath.Join(t.TempDir(), "none.sock") },
		"negative":                   func(c *config) { c.MaxPids = -1 },
		"--tasks: stat /nonexistent": func(c *config) { c.Tasks = "/nonexistent" },
		"is no directory":            func(c *config) { c.Tasks = "main_test.go" },
	} {
		t.Run(want, func(t *testing.T) {
			c := config{Connection: uplink.Connection{Backend: "tcp://127.0.0.1:1", Wire: "head"}, Concurrency: 1, Tasks: t.TempDir(), Tmpdir: t.TempDir(), Namespace: "ingot"}
			change(&c)
			err := run(t.Context(), &app.Process[config]{Config: &c, Log: slog.New(slog.DiscardHandler)})
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, want)
			}
		})
	}
}
