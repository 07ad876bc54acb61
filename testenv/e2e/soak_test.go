//go:build native || vm

package e2e

import (
	"os"
	"slices"
	"strconv"
	"testing"
)

// soakJobs is a variable with how many jobs the soak has.
const soakJobs = "INGOT_SOAK"

// Many short jobs, twice as many at once as there are slots, have one result
// each and leave nothing: in containerd, on disk, or in the agent.
func TestSoak(t *testing.T) {
	jobs, warm := 60, 2*slots
	if !native() { // emulated
		jobs, warm = 8, slots
	}
	if text := os.Getenv(soakJobs); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		jobs = n
	}
	p := startProcess(t)
	p.task("ok", `feedback-result success`)
	p.task("student", `run_student true && feedback-result success`)
	idle := p.inventory(t)
	p.soak(t, warm)
	p.gone(warm)
	before := p.metrics()
	p.soak(t, jobs)
	p.gone(warm + jobs)
	after := p.metrics()
	if left := p.inventory(t); !slices.Equal(left, idle) {
		t.Errorf("left behind: %q, want %q", left, idle)
	}
	for name, most := range map[string]float64{
		"go_goroutines":                     before["go_goroutines"] + slots, // that wait for the next jobs: as many as there were at once
		"process_open_fds":                  before["process_open_fds"],
		"process_resident_memory_bytes":     before["process_resident_memory_bytes"] + 16<<20, // what the collector has not returned yet
		"ingot_agent_memory_reserved_bytes": 0,
		"ingot_agent_cleanups_failed_total": 0,
	} {
		if v, ok := after[name]; !ok || v > most {
			t.Errorf("%s is %v after %d jobs, %v before; want at most %v", name, v, jobs, before[name], most)
		}
		t.Logf("%s: %v before, %v after", name, before[name], after[name])
	}
	if n := after[`ingot_agent_jobs_total{status="success"}`]; n != float64(warm+jobs) {
		t.Errorf("%v jobs succeeded, want %d", n, warm+jobs)
	}
}

// soak grades n jobs, a fifth of them with a student.
func (p *process) soak(t *testing.T, n int) {
	t.Helper()
	waiting := map[string]bool{}
	for sent := 0; sent < n || len(waiting) > 0; {
		for ; sent < n && len(waiting) < 2*slots; sent++ {
			task := "ok"
			if sent%5 == 0 {
				task = "student"
			}
			job := p.job(task, limits{memory: 64})
			waiting[job.JobID] = true
			p.send(job)
		}
		m := p.nextDone()
		if !waiting[m.JobID] || m.Status != "success" {
			t.Fatalf("%s: %s %q (twice, or not ours)", m.JobID, m.Status, m.Text)
		}
		delete(waiting, m.JobID)
	}
}

// submit sends a job and returns its id.
func (p *process) submit(task string) string {
	p.t.Helper()
	job := p.job(task, limits{memory: 64})
	p.send(job)
	return job.JobID
}
