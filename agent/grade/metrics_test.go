package grade

import (
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/wire"
)

// What jobs used is counted, and what the kernel does not tell is not taken for 0.
func TestUsageIsCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	e := &Executor{cfg: Config{Metrics: reg}}
	if err := e.register(); err != nil {
		t.Fatal(err)
	}
	e.metrics.job("success", wire.Usage{
		All:    wire.Resources{CPU: 1500 * time.Millisecond, MemoryPeak: 5 << 20, PidsPeak: 7, Read: 11, Written: 13},
		Phases: []wire.Phase{{Name: "running", Took: 2 * time.Second}},
	})
	e.metrics.job("whatever a grader says", wire.Usage{All: wire.Resources{CPU: time.Second, Read: 1}})
	e.metrics.container(wire.ContainerUsage{Name: graderName, Used: wire.Resources{CPU: time.Second, MemoryPeak: 3 << 20}})
	for _, name := range []string{"s1", "s2"} {
		e.metrics.container(wire.ContainerUsage{Name: name, Used: wire.Resources{CPU: time.Second, PidsPeak: 2, Read: 3, Written: 4},
			Phases: []wire.Phase{{Name: "creating", Took: time.Second}}})
	}
	want := map[string]float64{
		"jobs_total success": 1, "jobs_total other": 1, "cpu_seconds_total": 2.5, "read_bytes_total": 12, "written_bytes_total": 13,
		"memory_peak_bytes": 5 << 20, "memory_peak_bytes count": 1, "pids_peak": 7, "pids_peak count": 1,
		"phase_seconds running": 2, "phase_seconds running count": 1,
		"container_cpu_seconds_total grader": 1, "container_cpu_seconds_total student": 2,
		"container_memory_peak_bytes grader": 3 << 20, "container_memory_peak_bytes grader count": 1,
		"container_pids_peak student": 4, "container_pids_peak student count": 2,
		"container_read_bytes_total student": 6, "container_written_bytes_total student": 8,
		"container_phase_seconds creating student": 2, "container_phase_seconds creating student count": 2,
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()[len("ingot_agent_"):]
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetHistogram().GetSampleSum()
			if h := m.GetHistogram(); h != nil {
				got[name+" count"] = float64(h.GetSampleCount())
			}
		}
	}
	maps.DeleteFunc(got, func(name string, v float64) bool { _, ok := want[name]; return v == 0 && !ok })
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
