package mcq

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what jobs do. They may be used from any goroutine.
type metrics struct {
	jobs          map[string]prometheus.Counter // by status; looked up once, as jobs are many
	seconds       prometheus.Histogram
	read, refused prometheus.Counter // catalogues

	vectors []prometheus.Collector
}

// newMetrics makes the metrics. Nobody knows of them before register.
func newMetrics() *metrics {
	jobs := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ingot_mcq_jobs_total", Help: "Jobs that have a result, by status.",
	}, []string{"status"})
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "ingot_mcq_job_seconds", Help: "Time that grading a job took.",
		Buckets: prometheus.ExponentialBuckets(1e-6, 4, 10), // to a quarter of a second
	})
	catalogues := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ingot_mcq_catalogue_reads_total", Help: "Translations of tasks that were read, again after each change, by outcome.",
	}, []string{"outcome"})
	m := &metrics{
		jobs: map[string]prometheus.Counter{}, seconds: seconds,
		read: catalogues.WithLabelValues("read"), refused: catalogues.WithLabelValues("refused"),
		vectors: []prometheus.Collector{jobs, seconds, catalogues},
	}
	for _, status := range []string{"success", "failed", "crash", "crashed", "killed"} {
		m.jobs[status] = jobs.WithLabelValues(status)
	}
	return m
}

// register tells Prometheus of the metrics.
func (e *Executor) register(reg prometheus.Registerer) error {
	size := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ingot_mcq_catalogue_bytes", Help: "Memory that translations of tasks take.",
	}, func() float64 {
		e.tasks.mu.RLock()
		defer e.tasks.mu.RUnlock()
		return float64(e.tasks.cost)
	})
	var errs []error
	for _, c := range append(e.metrics.vectors, size) {
		errs = append(errs, reg.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// job counts a job that has its result.
func (m *metrics) job(status string, took time.Duration) {
	m.jobs[status].Inc()
	m.seconds.Observe(took.Seconds())
}

// catalogue counts one that was read, or refused with err.
func (m *metrics) catalogue(err error) {
	if err != nil {
		m.refused.Inc()
		return
	}
	m.read.Inc()
}
