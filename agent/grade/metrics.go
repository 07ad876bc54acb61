package grade

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/wire"
)

// metrics counts what jobs do. They may be used from any goroutine.
type metrics struct {
	jobs       *prometheus.CounterVec // by status
	students   prometheus.Counter
	failed     prometheus.Counter // clean-ups
	sent       prometheus.Counter // bytes
	denied     prometheus.Counter
	together   uses // of jobs, all their containers together
	containers uses // of each, by its role: graderName or roleStudent
}

const roleStudent = "student"

// uses counts what jobs or containers used.
type uses struct {
	cpu    *prometheus.CounterVec   // seconds
	memory *prometheus.HistogramVec // bytes
	pids   *prometheus.HistogramVec
	read   *prometheus.CounterVec   // bytes
	wrote  *prometheus.CounterVec   // bytes
	phases *prometheus.HistogramVec // seconds, by phase
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ingot_agent_" + name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ingot_agent_" + name, Help: help, Buckets: buckets}, labels)
}

// newUses makes the metrics of what who used, whose names begin with prefix.
func newUses(prefix, who string, labels ...string) uses {
	return uses{
		cpu: counter(prefix+"cpu_seconds_total", "CPU time that "+who+" used.", labels...),
		memory: histogram(prefix+"memory_peak_bytes", "Most memory that "+who+" had in use at a time, where the kernel tells.",
			prometheus.ExponentialBuckets(4<<20, 2, 12), labels...), // to 8 GiB
		pids: histogram(prefix+"pids_peak", "Most processes and threads that "+who+" had at a time, where the kernel tells.",
			prometheus.ExponentialBuckets(1, 2, 12), labels...),
		read:  counter(prefix+"read_bytes_total", "What "+who+" read from block devices.", labels...),
		wrote: counter(prefix+"written_bytes_total", "What "+who+" wrote to block devices.", labels...),
		phases: histogram(prefix+"phase_seconds", "Time that "+who+" spent in each phase, up to the result.",
			prometheus.ExponentialBuckets(0.001, 4, 11), append(labels, "phase")...), // to a quarter of an hour and more
	}
}

func (u *uses) collectors() []prometheus.Collector {
	return []prometheus.Collector{u.cpu, u.memory, u.pids, u.read, u.wrote, u.phases}
}

// add counts what was used. What the kernel does not tell is not taken for 0.
func (u *uses) add(r wire.Resources, phases []wire.Phase, labels ...string) {
	u.cpu.WithLabelValues(labels...).Add(r.CPU.Seconds())
	u.read.WithLabelValues(labels...).Add(float64(r.Read))
	u.wrote.WithLabelValues(labels...).Add(float64(r.Written))
	if r.MemoryPeak > 0 {
		u.memory.WithLabelValues(labels...).Observe(float64(r.MemoryPeak))
	}
	if r.PidsPeak > 0 {
		u.pids.WithLabelValues(labels...).Observe(float64(r.PidsPeak))
	}
	for _, p := range phases {
		u.phases.WithLabelValues(append(labels, p.Name)...).Observe(p.Took.Seconds())
	}
}

// register makes the metrics and tells Prometheus of them, if anybody asked.
func (e *Executor) register() error {
	one := func(name, help string) prometheus.Counter { return counter(name, help).WithLabelValues() }
	m := metrics{
		jobs:       counter("jobs_total", "Jobs that have a result, by status.", "status"),
		students:   one("students_total", "Student containers asked for and allowed."),
		failed:     one("cleanups_failed_total", "Clean-ups that left something behind."),
		sent:       one("network_sent_bytes_total", "What guarded jobs sent over the network."),
		denied:     one("network_denied_total", "Connections, datagrams and packets of guarded jobs that were refused."),
		together:   newUses("", "jobs"),
		containers: newUses("container_", "containers", "role"),
	}
	m.together.add(wire.Resources{}, nil) // so that what never happened is 0
	for _, role := range []string{graderName, roleStudent} {
		m.containers.add(wire.Resources{}, nil, role)
	}
	e.metrics = m
	if e.cfg.Metrics == nil {
		return nil
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ingot_agent_" + name, Help: help}, value)
	}
	all := append(m.together.collectors(), m.containers.collectors()...)
	for _, c := range append(all, m.jobs, m.students, m.failed, m.sent, m.denied,
		gauge("memory_bytes", "Memory that jobs may reserve.", func() float64 { return float64(e.cfg.Memory) }),
		gauge("memory_reserved_bytes", "Memory that is reserved.", func() float64 {
			used, _ := e.memory.state()
			return float64(used)
		}),
		gauge("jobs_waiting_for_memory", "Jobs that wait for memory.", func() float64 {
			_, waiting := e.memory.state()
			return float64(waiting)
		}),
	) {
		if err := e.cfg.Metrics.Register(c); err != nil {
			return fmt.Errorf("grade: register metrics: %w", err)
		}
	}
	return nil
}

// statuses are those that a job's result may have and keep apart in a metric: a
// grader may say anything (PROTOCOL.md 7.3).
var statuses = map[string]bool{
	"success": true, "failed": true, "error": true, "crash": true, "timeout": true, "overflow": true, "killed": true,
}

// job counts a job that has its result.
func (m *metrics) job(status string, u wire.Usage) {
	if !statuses[status] {
		status = "other"
	}
	m.jobs.WithLabelValues(status).Inc()
	m.together.add(u.All, u.Phases)
}

// container counts a container that has ended.
func (m *metrics) container(c wire.ContainerUsage) {
	role := roleStudent
	if c.Name == graderName {
		role = graderName
	}
	m.containers.add(c.Used, c.Phases, role)
}
