//go:build vm

package tier

import (
	"os"
	"strings"
	"testing"
)

// The machine is what tests of its tier count on.
func TestMachine(t *testing.T) {
	Require(t, VM)
	if os.Geteuid() != 0 {
		t.Error("not root")
	}
	controllers, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cpuset", "cpu", "io", "memory", "pids"} {
		if !strings.Contains(" "+strings.TrimSpace(string(controllers))+" ", " "+want+" ") {
			t.Errorf("no %s in cgroup v2's controllers %q", want, controllers)
		}
	}
	for _, file := range []string{"/run/containerd/containerd.sock", "/run/systemd/system", "/sys/kernel/btf/vmlinux"} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}
