package main

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/network"
)

// nobody marks a test that runs without any right.
const nobody = "INGOT_TEST_NOBODY"

// A kernel that takes no programs from us is worth one warning, and nothing else
// changes. Here it refuses them as it does to everybody but root.
func TestKernelRefuses(t *testing.T) {
	if os.Geteuid() == 0 && os.Getenv(nobody) == "" {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestKernelRefuses$")
		cmd.Env = append(os.Environ(), nobody+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	var said bytes.Buffer
	var ground stack
	cfg := grade.Config{Network: new(network.Net)}
	loadPrograms(&cfg, &ground, slog.New(slog.NewTextHandler(&said, nil)))
	if cfg.Guards != nil || cfg.Victims != nil || len(ground) > 0 {
		t.Errorf("got %v, %v and %d to close", cfg.Guards, cfg.Victims, len(ground))
	}
	text := said.String()
	if strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "only netfilter") || !strings.Contains(text, "not named") {
		t.Errorf("it says %q", text)
	}
}
