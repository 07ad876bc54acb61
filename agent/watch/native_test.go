//go:build native || vm

package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// A program that keeps every CPU busy is stopped soon after its limit, measured
// by the kernel's own account of it.
func TestBusyContainerIsStopped(t *testing.T) {
	const limit = 5 * time.Second // long enough for a slow machine to react within as much again
	used, _, cause := stopped(t, Limits{CPU: limit, Wall: 5 * time.Minute}, "while :; do :; done")
	if !errors.Is(cause, ErrCPUTime) || used <= limit || used > 2*limit {
		t.Errorf("stopped by %v with %v used of %v", cause, used, limit)
	}
}

// How far a container gets over its limits, until all its processes are gone: of
// CPU time for each CPU that it keeps busy, and of time.
func BenchmarkOverrun(b *testing.B) {
	cpus := runtime.NumCPU()
	b.Run("cpu", func(b *testing.B) {
		const limit = time.Second
		var over, worst time.Duration
		for range b.N {
			used, _, _ := stopped(b, Limits{CPU: limit}, "while :; do :; done")
			over, worst = over+used-limit, max(worst, used-limit)
		}
		b.ReportMetric(float64(over.Microseconds())/1000/float64(b.N*cpus), "ms-over/cpu")
		b.ReportMetric(float64(worst.Microseconds())/1000/float64(cpus), "ms-worst/cpu")
	})
	b.Run("wall", func(b *testing.B) {
		const limit = time.Second
		var late, worst time.Duration
		for range b.N {
			_, took, _ := stopped(b, Limits{Wall: limit}, "exec sleep 1000")
			late, worst = late+took-limit, max(worst, took-limit)
		}
		b.ReportMetric(float64(late.Microseconds())/1000/float64(b.N), "ms-late")
		b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
	})
}

// stopped runs a shell's script, twice as often as there are CPUs, until a limit
// stops it. used is the CPU time and took the time until the last process ended.
func stopped(t testing.TB, l Limits, script string) (used, took time.Duration, cause error) {
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
	ctx, over := context.WithCancelCause(t.Context())
	box := job.Child("box")
	began := time.Now()
	stop := Start(ctx, l, job.CPU, over)
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
	for range 2 * runtime.NumCPU() {
		cmd := exec.Command("/bin/sh", "-c", script)
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
	took = time.Since(began)
	for _, cmd := range running {
		cmd.Wait() // it was killed
	}
	used, err = job.CPU()
	if err := errors.Join(err, job.Remove(t.Context()), parent.Close()); err != nil {
		t.Fatal(err)
	}
	return used, took, context.Cause(ctx)
}

// hierarchy is where cgroup2 is mounted: at the usual place, or below it on hybrid hosts.
func hierarchy(t testing.TB) string {
	t.Helper()
	const usual = "/sys/fs/cgroup"
	if _, err := os.Stat(usual + "/cgroup.controllers"); err == nil {
		return usual
	}
	return usual + "/unified"
}
