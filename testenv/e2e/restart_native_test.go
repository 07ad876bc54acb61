//go:build native

package e2e

import (
	"context"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/oci"
	"github.com/ingot-grading/ingot/testenv/images"
)

// An agent that is killed leaves what its jobs have. Its next life removes all of
// that, and nothing of others in its namespace of containerd.
func TestAgentIsKilled(t *testing.T) {
	var kill, again func()
	p := startBy(t, func(p *process, log *slog.Logger, args []string) {
		kill, again = p.runToBeKilled(log, args), func() { p.run(log, args) }
	}, nil)
	p.bystander("theirs", map[string]string{grade.LabelOwner: p.state + "2"})
	p.bystander("nobodys", nil)
	p.task("held", `run_student sleep 1000`)
	idle := p.inventory(t)
	p.submit("held")
	p.students(1)
	kill()
	left := strings.Join(p.inventory(t), "\n")
	for _, what := range []string{"container ingot-", "task ingot-", "snapshot ingot-", "cgroup "} {
		if !strings.Contains(left, what) {
			t.Errorf("the agent left no %sof its job:\n%s", what, left)
		}
	}
	hello := func(e entry) bool { return e.Msg == "said hello" }
	hellos := len(p.await(1, hello))
	again()
	p.await(hellos+1, hello)
	if left := p.inventory(t); !slices.Equal(left, idle) {
		t.Errorf("left behind: %q, want %q", left, idle)
	}
}

// runToBeKilled starts the program. What it leaves is for its next life.
func (p *process) runToBeKilled(log *slog.Logger, args []string) (kill func()) {
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	var read sync.WaitGroup
	read.Go(func() { p.read(out, log.With("at", "agent")) })
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		read.Wait()
		_ = cmd.Wait() // it was killed
	})
	p.t.Cleanup(kill)
	return kill
}

// bystander starts a container in the agent's namespace that is none of the agent's.
func (p *process) bystander(id string, labels map[string]string) {
	p.t.Helper()
	spec, err := oci.New([]string{"sleep", "1000"}, oci.Hostname(id), oci.Cgroup("/"+p.namespace+"-"+id), oci.WithoutResources())
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := p.runtime.Create(p.t.Context(), sandbox.Spec{ID: id, Image: images.DemoRef, OCI: spec, Labels: labels})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		select {
		case exit := <-c.Exited():
			p.t.Errorf("%s has ended: %+v", id, exit)
		default:
		}
		if err := c.Delete(context.WithoutCancel(p.t.Context())); err != nil {
			p.t.Error(err)
		}
	})
	if err := c.Start(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}
