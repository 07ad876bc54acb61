package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/cmd/internal/uplink"
)

// What keeps the agent from starting is said in one line.
func TestRefusesToStart(t *testing.T) {
	for want, change := range map[string]func(*config){
		"containerd is not running": func(c *config) { c.ContainerdAddress = filepath.Join(t.TempDir(), "none.sock") },
		"negative":                  func(c *config) { c.MaxPids = -1 },
	} {
		t.Run(want, func(t *testing.T) {
			c := config{Connection: uplink.Connection{Backend: "tcp://127.0.0.1:1", Wire: "head"}, Concurrency: 1, Tmpdir: t.TempDir(), Namespace: "ingot"}
			change(&c)
			err := run(t.Context(), &app.Process[config]{Config: &c, Log: slog.New(slog.DiscardHandler)})
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, want)
			}
		})
	}
}
