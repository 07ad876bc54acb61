package grade

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/wire"
)

// metrics counts what jobs do. They may be used from any goroutine.
type metrics struct {
	jobs     *prometheus.CounterVec   // by status
	phases   *prometheus.HistogramVec // seconds, by phase
	students prometheus.Counter
	failed   prometheus.Counter // clean-ups
	sent     prometheus.Counter // bytes
	denied   prometheus.Counter
}

// register makes the metrics and tells Prometheus of them, if anybody asked.
func (e *Executor) register() error {
	name := func(n, help string) prometheus.Opts { return prometheus.Opts{Name: "ingot_agent_" + n, Help: help} }
	e.metrics = metrics{
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts(name("jobs_total", "Jobs that have a result, by status.")), []string{"status"}),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ingot_agent_phase_seconds", Help: "Time that jobs spent in each phase before their result.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 11), // to a quarter of an hour and more
		}, []string{"phase"}),
		students: prometheus.NewCounter(prometheus.CounterOpts(name("students_total", "Student containers asked for and allowed."))),
		failed:   prometheus.NewCounter(prometheus.CounterOpts(name("cleanups_failed_total", "Clean-ups that left something behind."))),
		sent:     prometheus.NewCounter(prometheus.CounterOpts(name("network_sent_bytes_total", "What guarded jobs sent over the network."))),
		denied:   prometheus.NewCounter(prometheus.CounterOpts(name("network_denied_total", "Connections, datagrams and packets of guarded jobs that were refused."))),
	}
	if e.cfg.Metrics == nil {
		return nil
	}
	gauge := func(n, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts(name(n, help)), value)
	}
	for _, c := range []prometheus.Collector{
		e.metrics.jobs, e.metrics.phases, e.metrics.students, e.metrics.failed, e.metrics.sent, e.metrics.denied,
		gauge("memory_bytes", "Memory that jobs may reserve.", func() float64 { return float64(e.cfg.Memory) }),
		gauge("memory_reserved_bytes", "Memory that is reserved.", func() float64 {
			used, _ := e.memory.state()
			return float64(used)
		}),
		gauge("jobs_waiting_for_memory", "Jobs that wait for memory.", func() float64 {
			_, waiting := e.memory.state()
			return float64(waiting)
		}),
	} {
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
	for _, p := range u.Phases {
		m.phases.WithLabelValues(p.Name).Observe(p.Took.Seconds())
	}
}
