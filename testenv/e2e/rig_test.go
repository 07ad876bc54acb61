//go:build native || vm

package e2e

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/guest"
	"github.com/ingot-grading/ingot/agent/mcq"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/oci"
	"github.com/ingot-grading/ingot/testenv/images"
	"github.com/ingot-grading/ingot/testenv/vm/tier"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// rig is a backend, an agent and a client.
type rig struct {
	t      testing.TB
	tasks  string
	state  string
	kind   string // the environment type
	images []images.Image
	said   record // all logs, at debug level

	stopAgent func()
	boasts    []wire.Environment // announced besides what the agent can grade in
	runtime   *ctrd.Runtime
	namespace string        // in containerd
	made      chan func()   // one is called when the next container is made, before it starts
	starts    chan struct{} // one for each container that has started, or failed to
	*client
}

// native reports whether the tier has no limits.
func native() bool { return os.Getenv(tier.Variable) == string(tier.Native) }

// atOnce are more jobs than there are CPUs, to have jobs side by side; but where these
// are emulated, to keep them busy.
func atOnce() int {
	if native() {
		return 4
	}
	return runtime.NumCPU()
}

// drain is how long an agent that stops waits for its jobs.
const drain = 3 * time.Second

// start brings a rig up whose containers run on the named OCI runtime. The
// changes are made to the agent's configuration.
func start(t testing.TB, runtime string, changes ...func(*grade.Config)) *rig {
	t.Helper()
	return startWith(t, func(r *rig, log *slog.Logger, agents string) { r.serveAgent(log, agents, runtime, changes) })
}

// startWith brings a rig up whose agent is started by serve, which is told where
// the backend listens and sets r.kind.
func startWith(t testing.TB, serve func(r *rig, log *slog.Logger, agents string)) *rig {
	t.Helper()
	tier.Require(t, tier.Native, tier.VM)
	dir := t.TempDir()
	r := &rig{t: t, tasks: filepath.Join(dir, "tasks"), state: filepath.Join(dir, "state")}
	if err := os.MkdirAll(filepath.Join(r.tasks, "c"), 0o755); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), &r.said), &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.runtime = r.containerd(log)
	agents, clients := "ipc://"+filepath.Join(dir, "a"), "ipc://"+filepath.Join(dir, "c")
	r.serveBackend(log, agents, clients)
	serve(r, log, agents)
	r.client = dial(t, clients)
	r.awaitEnvironment(r.kind, "demo")
	return r
}

// containerd connects to the tier's and imports the demo's image. Others are for
// the tests that need them: an import takes seconds on an emulated machine.
func (r *rig) containerd(log *slog.Logger) *ctrd.Runtime {
	t := r.t
	r.namespace = "ingot-e2e-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	r.made = make(chan func(), 1)
	r.starts = make(chan struct{}, 1000) // more than a test has containers
	rt, err := ctrd.Connect(t.Context(), ctrd.Config{
		Address: os.Getenv("CONTAINERD_ADDRESS"), Namespace: r.namespace, Log: log, Watchdog: patience,
		DeviceDirs: []string{filepath.Dir(r.state)},
		Observe:    r.observe,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if n, err := rt.Sweep(ctx, map[string]string{grade.LabelOwner: r.state}); n > 0 || err != nil {
			t.Errorf("left behind: %d containers, %v", n, err)
		}
		for _, im := range r.images {
			if err := rt.Remove(ctx, im.Ref); err != nil {
				t.Error(err)
			}
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	im, err := r.demo(images.DemoRef, "demo", images.Parts{Init: "testdata/ingot-init"})
	if err != nil {
		t.Fatalf("%v (make builds testdata/ingot-init)", err)
	}
	r.load(rt, im)
	return rt
}

// observe sees the steps of containers, each when it is done.
func (r *rig) observe(step string, _ time.Duration) {
	switch step {
	case "create task":
		select {
		case then := <-r.made:
			then()
		default:
		}
	case "start":
		r.starts <- struct{}{}
	}
}

func (r *rig) demo(ref, name string, p images.Parts) (im images.Image, err error) {
	if p.Busybox, err = images.FindBusybox(r.t.Context(), r.t.TempDir()); err != nil {
		return im, err
	}
	return images.Demo(r.t.Context(), ref, name, p)
}

// variant brings an image of the demo's files that says something else of its
// process, and waits for its environment.
func (r *rig) variant(name string, change func(*v1.ImageConfig)) {
	r.t.Helper()
	im := r.images[0]
	im.Ref = "ingot.test/" + name + ":latest"
	im.Config.Labels = map[string]string{images.LabelName: name, images.LabelVersion: "4"}
	change(&im.Config)
	r.load(r.runtime, im)
	r.awaitEnvironment(r.kind, name)
}

// strangers brings images without INGInious' programs, "demo-bare" by its label
// and then one without any, and waits for the environment last.
func (r *rig) strangers(last string) {
	r.t.Helper()
	for _, i := range []struct{ ref, name string }{{images.BareRef, "demo-bare"}, {images.PlainRef, ""}} {
		im, err := r.demo(i.ref, i.name, images.Parts{})
		if err != nil {
			r.t.Fatal(err)
		}
		r.load(r.runtime, im)
	}
	r.awaitEnvironment(r.kind, last)
}

// dead brings an image whose student containers end before they do anything.
func (r *rig) dead() {
	r.t.Helper()
	r.variant("dead", func(c *v1.ImageConfig) { c.Entrypoint = []string{"/bin/sh", "-c", "exit 9"} })
}

// load imports images that have the same files. They go with the rig.
func (r *rig) load(rt *ctrd.Runtime, ims ...images.Image) {
	r.t.Helper()
	r.images = append(r.images, ims...)
	archive, w := io.Pipe()
	go func() { w.CloseWithError(images.Write(w, ims...)) }()
	if _, err := rt.Import(r.t.Context(), archive); err != nil {
		r.t.Fatal(err)
	}
}

// guestDir makes the directory of programs for images that have none.
func guestDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	program, err := os.ReadFile("testdata/ingot-init")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, guest.Self)
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, program, 0o755), guest.Install(dir, path)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// background runs f until stop is called or the test ends, and fails the test
// with its error. stop does not wait.
func (r *rig) background(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.t.Context()))
	stop = func() { cancel(errors.New("the test is over")) }
	over := make(chan error, 1)
	go func() { over <- f(ctx) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			r.t.Error(err)
		}
	})
	return stop
}

func (r *rig) serveBackend(log *slog.Logger, agents, clients string) {
	a, err := zmtp.Listen(agents, zmtp.Config{})
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := zmtp.Listen(clients, zmtp.Config{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { a.Close(); c.Close() })
	b := backend.New(a, c, backend.Config{Sched: sched.DefaultConfig(), Log: log.With("at", "backend")})
	r.background(b.Run)
}

func (r *rig) serveAgent(log *slog.Logger, addr, runtime string, changes []func(*grade.Config)) {
	t := r.t
	log = log.With("at", "agent")
	groups, err := cgroups.Open(t.Context(), cgroups.Config{Controllers: controllers()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := groups.Close(); err != nil {
			t.Error(err)
		}
	})
	spaces, err := workspace.Open(t.Context(), workspace.Config{
		Tasks: r.tasks, State: r.state, DiskBytes: diskBytes, DiskInodes: diskFiles,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spaces.Close(); r.nothingLeft() })
	cfg := grade.Config{
		Runtime: r.runtime, Workspaces: spaces, Cgroups: groups, Unlimited: native(),
		Kinds: []grade.Kind{kind(t, runtime)}, Owner: r.state, Memory: 512 << 20, Pids: 100, Log: log,
	}
	for _, change := range changes {
		change(&cfg)
	}
	r.kind = cfg.Kinds[0].EnvType
	boxes, err := grade.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	quiz, err := mcq.New(mcq.Config{Tasks: r.tasks, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	exec := boaster{agent.Join(boxes, mcq.Environment, quiz), r.boasts} // as inginious-agent-containerd --mcq
	end, err := zmtp.Dial(addr, zmtp.Config{Identity: "agent"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end.Close() })
	r.stopAgent = r.background(func(ctx context.Context) error {
		return agent.Run(ctx, agent.Config{Slots: atOnce(), Drain: drain, Log: log}, end, exec)
	})
}

// boaster announces more environments than it has.
type boaster struct {
	agent.Executor
	more []wire.Environment
}

func (b boaster) Environments() []wire.Environment {
	return append(b.Executor.Environments(), b.more...)
}

// What a job of a rig may write.
const diskBytes, diskFiles = 64 << 20, 4000

// kind is what an agent offers whose operator chose a runtime with these words.
func kind(t testing.TB, words ...string) grade.Kind {
	t.Helper()
	r, err := oci.ChooseRuntime(words...)
	if err != nil {
		t.Fatal(err)
	}
	return grade.Kind{EnvType: r.EnvType, Runtime: r}
}

// controllers are what the agent insists on.
func controllers() []string {
	if native() {
		return []string{}
	}
	return nil
}

// nothingLeft looks for directories and mounts of jobs.
func (r *rig) nothingLeft() {
	jobs, err := os.ReadDir(filepath.Join(r.state, "jobs"))
	if err != nil || len(jobs) > 0 {
		r.t.Errorf("left behind: %v, %v", jobs, err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), r.state) {
		r.t.Errorf("mounts left below %s (%v)", r.state, err)
	}
}

// awaitStarts waits for more containers to start.
func (r *rig) awaitStarts(t *testing.T, containers int) {
	t.Helper()
	for range containers {
		select {
		case <-r.starts:
		case <-time.After(patience):
			t.Fatal("no container starts")
		}
	}
}

// task writes a task of course "c" whose run script is sh.
func (r *rig) task(name, sh string) {
	r.t.Helper()
	dir := filepath.Join(r.tasks, "c", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "run"), []byte("#!/bin/sh\n"+sh), 0o755); err != nil {
		r.t.Fatal(err)
	}
}
