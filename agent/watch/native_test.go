//go:build native || vm

package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// A program that keeps every CPU busy is stopped soon after its limit, measured
// by the kernel's own account of it.
func TestBusyContainerIsStopped(t *testing.T) {
	tier.Require(t, tier.Native, tier.VM)
	parent, err := cgroups.Open(t.Context(), cgroups.Config{
		Name: fmt.Sprintf("ingot-watch-%d", os.Getpid()), Controllers: []string{},
	})
	if err != nil {
		t.Fatal(err)
	}
	job, err := parent.Job("j", cgroups.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	const limit = 2 * time.Second // long enough for a slow machine to react within as much again
	ctx, over := context.WithCancelCause(t.Context())
	box := job.Child("box")
	stop := Start(ctx, Limits{CPU: limit, Wall: time.Minute}, job.CPU, over)
	defer stop()
	dir := hierarchy(t) + box.Path()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	at, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	var running []*exec.Cmd
	for range 4 {
		cmd := exec.Command("/bin/sh", "-c", "while :; do :; done")
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(at.Fd())}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	<-ctx.Done()
	if err := job.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range running {
		cmd.Wait()
	}
	if cause := context.Cause(ctx); !errors.Is(cause, ErrCPUTime) {
		t.Errorf("stopped by %v", cause)
	}
	used, err := job.CPU()
	if err != nil || used <= limit || used > 2*limit {
		t.Errorf("used %v of %v, %v", used, limit, err)
	}
	t.Logf("%v over a limit of %v", used-limit, limit)
	if err := errors.Join(job.Remove(t.Context()), parent.Close()); err != nil {
		t.Error(err)
	}
}

// hierarchy is where cgroup2 is mounted: at the usual place, or below it on hybrid hosts.
func hierarchy(t *testing.T) string {
	t.Helper()
	const usual = "/sys/fs/cgroup"
	if _, err := os.Stat(usual + "/cgroup.controllers"); err == nil {
		return usual
	}
	return usual + "/unified"
}
