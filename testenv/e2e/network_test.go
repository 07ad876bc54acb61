//go:build native || vm

package e2e

import (
	"path/filepath"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/wire"
)

// machineAddr is where people are told to find the agent.
const machineAddr = "198.51.100.1"

// connected gives a rig's agent a network with those external ports, and guards
// its jobs.
func connected(t *testing.T, ports network.Range) func(*grade.Config) {
	return func(cfg *grade.Config) {
		n, err := network.Open(t.Context(), network.Config{State: filepath.Join(cfg.Owner, "network"), Ports: ports, Host: cfg.Debugger, Log: cfg.Log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		})
		guards, err := cgroups.LoadGuards()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := guards.Close(); err != nil {
				t.Error(err)
			}
		})
		cfg.Network, cfg.Guards, cfg.SSH, cfg.DebugHost = n, guards, true, machineAddr
	}
}

// networked is a job with a network for the grader.
func (r *rig) networked(task, typ, environment string) *wire.ClientNewJob {
	job := r.job(task, limits{})
	job.Parameters = append(wire.Raw("\x82\xafnetwork_grading\xc3"), job.Parameters[1:]...)
	job.EnvironmentType, job.Environment = typ, environment
	return job
}

// onlyPort is the only one that an agent has to give.
const onlyPort = 64120

// refuseWithoutPort submits a row to an agent whose only port another job has,
// and again when that has ended.
func (r *rig) refuseWithoutPort(t *testing.T, row row) {
	t.Helper()
	r.variant("web", func(c *v1.ImageConfig) { c.Labels["org.inginious.grading.ports"] = "8000" })
	r.task("hold", `sleep 1000`)
	hold := r.job("hold", limits{})
	hold.EnvironmentType, hold.Environment = r.kind, "web"
	r.send(hold)
	r.awaitStarts(t, 1)
	row.compare(t, r.grade(r.submission(row)))
	free := r.said.expect(1, "to=gone", hold.JobID)
	r.send(&wire.ClientKillJob{JobID: hold.JobID})
	r.done(hold.JobID)
	free(t)
	row.status, row.text, row.grade, row.kept = "success", "", 100, false
	row.compare(t, r.grade(r.submission(row)))
}
