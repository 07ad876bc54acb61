//go:build native || vm

package ctrd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// config is a namespace of its own on the tier's containerd.
func config(t testing.TB) Config {
	t.Helper()
	tier.Require(t, tier.Native, tier.VM)
	return Config{
		Address:   os.Getenv("CONTAINERD_ADDRESS"),
		Namespace: "ingot-test-" + strconv.FormatInt(time.Now().UnixNano(), 36),
		FIFODir:   t.TempDir(),
		Log:       slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// connect returns a runtime that has the probe's image. At the end of the test
// nothing may be left of its containers.
func connect(t testing.TB, cfg Config) *Runtime {
	t.Helper()
	r, err := Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if left := left(ctx, r); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		if err := errors.Join(clearNamespace(ctx, r), r.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func withImage(t testing.TB, r *Runtime) *Runtime {
	t.Helper()
	if _, err := r.Import(t.Context(), imageArchive(t, probeImage, time.Unix(1e9, 0))); err != nil {
		t.Fatal(err)
	}
	return r
}

// clearNamespace removes the images and then the namespace, which must be empty.
func clearNamespace(ctx context.Context, r *Runtime) error {
	images, err := r.client.ImageService().List(ctx)
	if err != nil {
		return err
	}
	for _, img := range images {
		if err := r.Remove(ctx, img.Name); err != nil {
			return err
		}
	}
	return r.client.NamespaceService().Delete(ctx, r.cfg.Namespace)
}

// left lists whatever the runtime's namespace holds for containers.
func left(ctx context.Context, r *Runtime) []string {
	var found []string
	note := func(kind, id string) { found = append(found, kind+" "+id) }
	fail := func(err error) {
		if err != nil {
			note("error", err.Error())
		}
	}
	records, err := r.records.List(ctx)
	fail(err)
	for _, rec := range records {
		note("record", rec.ID)
	}
	tasks, err := r.tasks.List(ctx, &tasksapi.ListTasksRequest{})
	fail(err)
	for _, p := range tasks.GetTasks() {
		note("task", p.ID)
	}
	fail(r.snapshots.Walk(ctx, func(_ context.Context, info snapshots.Info) error {
		if info.Kind != snapshots.KindCommitted {
			note("snapshot", info.Name)
		}
		return nil
	}))
	fifos, err := os.ReadDir(r.cfg.FIFODir)
	if !errors.Is(err, fs.ErrNotExist) {
		fail(err)
	}
	for _, d := range fifos {
		note("FIFOs", d.Name())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.live {
		note("entry", id)
	}
	return found
}

// probeSpec runs a probe, without any limit.
func probeSpec(args ...string) *specs.Spec {
	return bareSpec(sandboxtest.Script("/usr/bin/sh", args...)...)
}

// bareSpec runs one of the host's programs. The version is the newest that old
// crun takes.
func bareSpec(args ...string) *specs.Spec {
	s := &specs.Spec{
		Version: "1.0.2",
		Process: &specs.Process{Args: args, Cwd: "/", Env: []string{"PATH=/usr/bin"}, NoNewPrivileges: true},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755"}},
		},
		Linux: &specs.Linux{
			CgroupsPath: "/ingot-test/" + strconv.FormatUint(rand.Uint64(), 36),
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.MountNamespace}, {Type: specs.IPCNamespace},
				{Type: specs.UTSNamespace}, {Type: specs.NetworkNamespace},
			},
		},
	}
	for _, dir := range []string{"/usr", "/lib", "/lib64"} {
		if _, err := os.Stat(dir); err == nil {
			s.Mounts = append(s.Mounts, bind(dir, dir))
		}
	}
	return s
}

func bind(source, dest string) specs.Mount {
	return specs.Mount{Destination: dest, Type: "bind", Source: source, Options: []string{"rbind", "ro"}}
}

var handlers = map[string]sandbox.Handler{"runc": {}, "crun": {Binary: "crun"}}

func TestSuite(t *testing.T) {
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each in a namespace of its own
			suite(t, h, probeSpec, 0)
		})
	}
}

func suite(t *testing.T, h sandbox.Handler, spec func(args ...string) *specs.Spec, forgotten uint32) {
	r := withImage(t, connect(t, config(t)))
	sandboxtest.Suite(t, func(t *testing.T) sandboxtest.Harness {
		return sandboxtest.Harness{
			Runtime: r, Image: probeImage, Label: probeLabel, Handler: h,
			Spec: spec, Forgotten: forgotten,
			Left: func(ctx context.Context) []string { return left(ctx, r) },
		}
	})
}

// probe makes a container that runs a probe.
func probe(t testing.TB, r *Runtime, h sandbox.Handler, args ...string) sandbox.Container {
	t.Helper()
	c, err := r.Create(t.Context(), sandbox.Spec{
		ID: fmt.Sprintf("probe-%d", time.Now().UnixNano()), Image: probeImage, Handler: h,
		OCI: probeSpec(args...), Labels: map[string]string{"test": "probe"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Delete(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}
