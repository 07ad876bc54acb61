//go:build native || vm

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	tasks "github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// inventory lists what there is in a rig's namespace of containerd that a job
// could leave: containers, tasks, leases, snapshots, and the cgroups of jobs.
func (r *rig) inventory(t testing.TB) []string {
	t.Helper()
	c, err := containerd.New(cmp.Or(os.Getenv("CONTAINERD_ADDRESS"), "/run/containerd/containerd.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := namespaces.WithNamespace(t.Context(), r.namespace)
	var all []string
	containers, err := c.Containers(ctx)
	for _, c := range containers {
		all = append(all, "container "+c.ID())
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(err)
	running, err := c.TaskService().List(ctx, &tasks.ListTasksRequest{})
	check(err)
	for _, p := range running.Tasks {
		all = append(all, fmt.Sprintf("task %s of process %d", p.ID, p.Pid))
	}
	leases, err := c.LeasesService().List(ctx)
	check(err)
	for _, l := range leases {
		all = append(all, "lease "+l.ID)
	}
	check(c.SnapshotService("overlayfs").Walk(ctx, func(_ context.Context, i snapshots.Info) error {
		all = append(all, fmt.Sprintf("snapshot %s, %v", i.Name, i.Kind))
		return nil
	}))
	for _, tree := range []string{"ingot", "system.slice/" + unit + "/jobs"} {
		groups, err := filepath.Glob("/sys/fs/cgroup/" + tree + "/*/cgroup.procs")
		check(err)
		for _, g := range groups {
			all = append(all, "cgroup "+filepath.Dir(g))
		}
	}
	slices.Sort(all)
	return all
}
