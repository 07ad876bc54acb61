//go:build native || vm

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sound sees that the agent works as before and that nothing is left of the jobs
// that it ever had, n of them.
func (p *process) sound(t *testing.T, n int, idle []string) {
	t.Helper()
	p.task("sound", `run_student true && feedback-result success`)
	id := p.submit("sound")
	if got := p.results(map[string]bool{id: true}); got[id] != "success" {
		t.Errorf("a job afterwards: %s", got[id])
	}
	p.gone(n + 1)
	if left := p.inventory(t); !slices.Equal(left, idle) {
		t.Errorf("left behind: %q, want %q", left, idle)
	}
	if m := p.metrics(); m["ingot_agent_cleanups_failed_total"] != 0 || m["ingot_agent_memory_reserved_bytes"] != 0 {
		t.Errorf("%v clean-ups failed, %v bytes are reserved", m["ingot_agent_cleanups_failed_total"], m["ingot_agent_memory_reserved_bytes"])
	}
}

// killShim ends the shim of a container of the rig, named as in its job, as a
// crash would.
func (r *rig) killShim(container string) error {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return err
	}
	for _, d := range dirs {
		line, err := os.ReadFile(d + "/cmdline")
		if err != nil {
			continue // it has ended
		}
		args := strings.Split(string(bytes.TrimSuffix(line, []byte{0})), "\x00")
		i := slices.Index(args, "-id")
		if !slices.Contains(args, r.namespace) || i < 0 || i+1 == len(args) || !strings.Contains(args[i+1], "-"+container+"-") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(d))
		if err != nil {
			return err
		}
		return unix.Kill(pid, unix.SIGKILL)
	}
	return fmt.Errorf("no shim of a container %s", container)
}
