//go:build native

package grade

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/testenv/vm/tier"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

// fixture is an executor on a fake runtime, with real directories and cgroups. In
// a synctest bubble its time is that of the bubble.
type fixture struct {
	*testing.T
	fake    *sandboxtest.Fake
	exec    *Executor
	spaces  *workspace.Dir
	state   string
	said    strings.Builder // the executor's log, to be read when it is closed
	grader  script
	student script
}

// script is what a container of a fixture does; it speaks in frames.
type script func(ctx context.Context, in *frame.Reader, out *frame.Writer) int

// newFixture starts an executor that holds calls to its runtime with before, if
// that is not nil. Its graders are successful, its students wait for their end.
func newFixture(t *testing.T, before func(context.Context, sandboxtest.Call, sandbox.Spec) error) *fixture {
	t.Helper()
	return newFixtureOn(t, before, func(f *sandboxtest.Fake) sandbox.Runtime { return f })
}

// newFixtureOn is newFixture with the executor on what runtime makes of the fake.
func newFixtureOn(
	t *testing.T, before func(context.Context, sandboxtest.Call, sandbox.Spec) error, runtime func(*sandboxtest.Fake) sandbox.Runtime,
) *fixture {
	t.Helper()
	tier.Require(t, tier.Native)
	dir := t.TempDir()
	f := &fixture{T: t, fake: sandboxtest.NewFake(), state: filepath.Join(dir, "state"), grader: succeed, student: hang}
	f.fake.Before = before
	f.fake.AddImage(sandbox.Image{
		Ref: "demo", Labels: map[string]string{labelName: "demo", labelVersion: "4"}, Config: sandbox.Config{Cmd: []string{"INGInious"}},
	}, f.program)
	must(t, os.MkdirAll(filepath.Join(dir, "tasks/c/t"), 0o755))
	var err error
	f.spaces, err = workspace.Open(t.Context(), workspace.Config{Tasks: filepath.Join(dir, "tasks"), State: f.state})
	must(t, err)
	groups, err := cgroups.Open(t.Context(), cgroups.Config{Name: fmt.Sprintf("ingot-grade-%d", os.Getpid()), Controllers: []string{}})
	must(t, err)
	f.exec, err = New(t.Context(), Config{
		Runtime: runtime(f.fake), Workspaces: f.spaces, Cgroups: groups, Unlimited: true, Kinds: relayed(t), Owner: "test",
		Memory: 100 << 20, Log: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), &f.said), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	must(t, err)
	t.Cleanup(func() { must(t, f.spaces.Close()) })
	return f
}

// relayed is a runtime whose students need no sockets.
func relayed(t *testing.T) []Kind {
	k := kinds(t, "crun")
	k[0].Runtime.SharedKernel = false
	return k
}

func (f *fixture) program(ctx context.Context, stdin io.Reader, stdout, _ io.Writer, spec *specs.Spec) int {
	run := f.student
	if spec.Process.Args[0] == "INGInious" {
		run = f.grader
	}
	return run(ctx, frame.NewReader(stdin, 1<<20), frame.NewWriter(stdout))
}

func hang(ctx context.Context, _ *frame.Reader, _ *frame.Writer) int {
	<-ctx.Done()
	return 0
}

func succeed(_ context.Context, in *frame.Reader, out *frame.Writer) int {
	if _, err := in.Next(); err != nil {
		return 100
	}
	return saySuccess(out)
}

func saySuccess(out *frame.Writer) int {
	return say(out, &grading.Result{Result: msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "result"), "success")})
}

// ask runs a student, and waits to be ended.
func ask(ctx context.Context, _ *frame.Reader, out *frame.Writer) int {
	say(out, &grading.RunStudent{SocketID: "p1"})
	<-ctx.Done()
	return 0
}

func say(out *frame.Writer, m grading.Message) int {
	data, err := grading.Append(nil, m)
	if err == nil {
		err = out.Write(data)
	}
	if err != nil {
		return 101
	}
	return 0
}

// job is a submission of the task, or of none, with the state "before".
func (f *fixture) job(taskless bool) agent.Job {
	m := &wire.BackendNewJob{
		JobID: "j", CourseID: wire.Nullable{Value: "c"}, TaskID: wire.Nullable{Value: "t"},
		EnvironmentType: f.exec.cfg.Kinds[0].EnvType, Environment: "demo",
		InputData: msgp.AppendMapHeader(nil, 0), Parameters: limited(90, 30),
	}
	if taskless {
		m.CourseID, m.TaskID = wire.Nullable{Null: true}, wire.Nullable{Null: true}
	}
	return agent.Job{BackendNewJob: m, State: "before"}
}

// limited are parameters with memory in MiB and wall time in seconds.
func limited(memory, hard int64) wire.Raw {
	p := msgp.AppendMapHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "limits"), 2)
	p = msgp.AppendInt64(msgp.AppendString(p, "hard_time"), hard)
	return msgp.AppendInt64(msgp.AppendString(p, "memory"), memory)
}

// sweep removes workspaces that were left, as the next life of an agent does.
func (f *fixture) sweep() error {
	must(f.T, f.spaces.Close())
	var err error
	f.spaces, err = workspace.Open(f.Context(), workspace.Config{Tasks: filepath.Dir(f.state), State: f.state})
	return err
}

// close waits for the clean-up and wants nothing to be left. It is for the end.
func (f *fixture) close() {
	f.Helper()
	synctest.Wait()
	must(f.T, f.exec.Close(f.Context()))
	if left := f.fake.Left(); len(left) > 0 {
		f.Errorf("containers left: %q", left)
	}
	if used, waiting := f.exec.memory.state(); used != 0 || waiting != 0 {
		f.Errorf("%d bytes of memory are reserved, %d jobs wait", used, waiting)
	}
	if jobs, err := os.ReadDir(filepath.Join(f.state, "jobs")); err != nil || len(jobs) > 0 {
		f.Errorf("workspaces left: %v, %v", jobs, err)
	}
	group := f.exec.cfg.Cgroups.Path()
	must(f.T, f.exec.cfg.Cgroups.Close())
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(mount, group)); err == nil {
			f.Errorf("cgroups left in %s", group)
		}
	}
}

// role is "grader", "s1" or so: the container of a job that s is for.
func role(s sandbox.Spec) string {
	id := strings.TrimSuffix(s.ID, idEnd)
	return id[strings.LastIndex(id, "-")+1:]
}
