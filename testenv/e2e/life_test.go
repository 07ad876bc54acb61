//go:build native

package e2e

import (
	"strings"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/wire"
)

// whole is a job that uses all memory of the agent.
var whole = limits{memory: 512}

// A job that is killed at whatever moment has one result, and nothing of it is
// left.
func TestKillAnytime(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.task("busy", `for i in 1 2; do run_student sleep 1000 & done; run_student true; feedback-result success; sleep 1000`)
		const steps = 12
		for i := range steps {
			job := r.job("busy", limits{})
			job.EnvironmentType = r.kind
			r.send(job)
			if i > 0 {
				<-time.After(time.Duration(i-1) * 25 * time.Millisecond)
			}
			r.send(&wire.ClientKillJob{JobID: job.JobID})
			if done := r.done(job.JobID); done.Status != "killed" {
				t.Errorf("killed in step %d: %s %q", i, done.Status, done.Text)
			}
		}
		r.check(t, "after", "") // no other result comes before its own
		if r.said.has("kill failed") {
			t.Error("a kill failed")
		}
	})
}

// A job waits for memory, can be killed meanwhile, and goes on when there is some.
// What it used and where its time went is told, logged and counted.
func TestMemoryWaits(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := start(t, "crun", func(cfg *grade.Config) { cfg.Metrics = reg })
	r.task("sleep", `sleep 1000`)
	r.task("ok", `feedback-result success`)
	first, killed, second := r.job("sleep", whole), r.job("ok", whole), r.job("ok", limits{})
	second.InputData = append(wire.Raw{0x82}, second.InputData[1:]...)
	second.InputData = append(msgp.AppendString(second.InputData, wire.UsageKey), 0xc3)
	for _, job := range []*wire.ClientNewJob{first, killed, second} {
		r.send(job)
		r.started(job.JobID)
	}
	r.send(&wire.ClientKillJob{JobID: killed.JobID})
	if done := r.done(killed.JobID); done.Status != "killed" || done.State != "before" {
		t.Errorf("the one that waits: %s with state %q", done.Status, done.State)
	}
	logged := r.said.expect(1, "job ended", "status=success", "cpu=", "memory=", "pids=", "read=", "written=", "phases.waiting=", "phases.draining=")
	each := r.said.expect(1, "container ended", "container=grader", "end=exited", "code=0", "cpu=", "pids_denied=", "phases.creating=", "phases.running=")
	r.send(&wire.ClientKillJob{JobID: first.JobID})
	if done := r.done(first.JobID); done.Status != "killed" {
		t.Errorf("the one that runs: %s", done.Status)
	}
	done := r.done(second.JobID)
	if done.Status != "success" {
		t.Errorf("the next: %s %q", done.Status, done.Text)
	}
	logged(t)
	each(t)
	wantUsage(t, done)
	want := map[string]float64{"ingot_agent_jobs_total": 3, "ingot_agent_cleanups_failed_total": 0, "ingot_agent_memory_bytes": 512 << 20}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.HasSuffix(f.GetName(), "cpu_seconds_total") && f.GetMetric()[0].GetCounter().GetValue() == 0 {
			t.Errorf("no CPU time was counted in %s", f.GetName())
		}
		sum := 0.0
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
		if n, ok := want[f.GetName()]; ok && n != sum {
			t.Errorf("metric %s is %v, want %v", f.GetName(), sum, n)
		}
		delete(want, f.GetName())
	}
	if len(want) > 0 {
		t.Errorf("missing metrics: %v", want)
	}
}

// wantUsage wants a job that waited to say what it used.
func wantUsage(t *testing.T, done *wire.BackendJobDone) {
	t.Helper()
	used, ok, err := wire.UsageOf(done.Custom)
	if err != nil || !ok || used.All.CPU <= 0 {
		t.Fatalf("used %+v, %v, %v", used, ok, err)
	}
	sum := wantPhases(t, used.Phases, "received", "waiting", "preparing", "running", "draining")
	if (used.Wall - sum).Abs() > time.Microsecond {
		t.Errorf("the phases took %v, want %v", sum, used.Wall)
	}
	if len(used.Containers) != 1 {
		t.Fatalf("used by containers %+v, want one", used.Containers)
	}
	grader := used.Containers[0]
	if grader.Name != "grader" || grader.Used.CPU <= 0 || grader.Code != 0 || grader.End != wire.EndExited {
		t.Errorf("used by the only container %+v", grader)
	}
	if took := wantPhases(t, grader.Phases, "creating", "starting", "running", "draining"); took >= sum {
		t.Errorf("the container took %v, its job %v", took, sum)
	}
}

// Students of a job that has all memory can start.
func TestStudentsNeedNotWait(t *testing.T) {
	for name, shared := range map[string]bool{"own": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			r := start(t, "crun", func(cfg *grade.Config) { cfg.SharedBudget = shared })
			r.task("ask", `run_student true && feedback-result success`)
			for range 3 { // and the agent's account is even afterwards
				if done := r.grade(r.job("ask", whole)); done.Status != "success" {
					t.Errorf("got %s %q", done.Status, done.Text)
				}
			}
		})
	}
}

// An agent that stops lets its jobs end for a while, and says of the others why
// they did not.
func TestStop(t *testing.T) {
	r := start(t, "crun")
	r.task("short", `run_student sleep 1; feedback-result success`)
	r.task("long", `run_student sleep 1000`)
	short, long := r.job("short", limits{}), r.job("long", limits{})
	for _, job := range []*wire.ClientNewJob{short, long} {
		r.send(job)
		r.started(job.JobID)
	}
	r.awaitStarts(t, 4) // the time that it lets them is not for making containers
	r.stopAgent()
	if done := r.done(short.JobID); done.Status != "success" {
		t.Errorf("a short job: %s %q", done.Status, done.Text)
	}
	if done := r.done(long.JobID); done.Status != "crash" || !strings.Contains(done.Text, "stopping") || done.State != "before" {
		t.Errorf("a long job: %s %q", done.Status, done.Text)
	}
}

// Environments come and go with their images.
func TestImagesComeAndGo(t *testing.T) {
	r := start(t, "crun")
	r.task("ok", `feedback-result success`)
	r.variant("late", func(*v1.ImageConfig) {})
	job := r.job("ok", limits{})
	job.Environment = "late"
	if done := r.grade(job); done.Status != "success" {
		t.Errorf("got %s %q", done.Status, done.Text)
	}
}
