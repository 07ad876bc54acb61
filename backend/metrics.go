package backend

import (
	"reflect"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
)

// metrics counts what happens. It belongs to Run; reading is Prometheus' own.
type metrics struct {
	received *prometheus.CounterVec // by side and type
	sent     *prometheus.CounterVec
	dropped  *prometheus.CounterVec   // connections, by side and reason
	ended    *prometheus.CounterVec   // jobs, by end and status
	refused  *prometheus.CounterVec   // jobs, by reason
	requeued prometheus.Counter       // jobs
	ignored  prometheus.Counter       // messages about jobs their sender does not have
	waited   *prometheus.HistogramVec // by environment and priority
	ran      *prometheus.HistogramVec // by environment and status

	environments map[sched.Name]string // label values, see environment
	counters     map[counterKey]prometheus.Counter
}

// counterKey names a counter of messages, to find it without Prometheus' lookup.
type counterKey struct {
	side string
	kind reflect.Type
	out  bool
}

// jobSeconds are the bounds of the histograms: from an idle queue to an exam's.
var jobSeconds = []float64{.01, .03, .1, .3, 1, 3, 10, 30, 100, 300, 1000, 3000}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ingot_backend_" + name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ingot_backend_" + name, Help: help, Buckets: jobSeconds}, labels)
		reg.MustRegister(v)
		return v
	}
	return &metrics{
		received:     counter("messages_received_total", "Messages received.", "side", "type"),
		sent:         counter("messages_sent_total", "Messages queued for sending.", "side", "type"),
		dropped:      counter("connections_dropped_total", "Connections ended by the backend.", "side", "reason"),
		ended:        counter("jobs_ended_total", "Accepted jobs that ended.", "end", "status"),
		refused:      counter("jobs_refused_total", "Jobs answered without being accepted.", "reason"),
		requeued:     counter("jobs_requeued_total", "Jobs queued again because their agent was lost, stopped, or had no room for them.").WithLabelValues(),
		ignored:      counter("messages_ignored_total", "Messages of agents about jobs that they do not have.").WithLabelValues(),
		waited:       histogram("job_wait_seconds", "From a job's acceptance to its agent.", "environment", "priority"),
		ran:          histogram("job_run_seconds", "From a job's agent to its result.", "environment", "status"),
		environments: map[sched.Name]string{},
		counters:     map[counterKey]prometheus.Counter{},
	}
}

// message counts a message.
func (m *metrics) message(side string, msg wire.Message, out bool) {
	k := counterKey{side, reflect.TypeOf(msg), out}
	c := m.counters[k]
	if c == nil {
		vec := m.received
		if out {
			vec = m.sent
		}
		c = vec.WithLabelValues(side, k.kind.Elem().Name())
		m.counters[k] = c
	}
	c.Inc()
}

// fact counts an effect of the scheduler.
func (m *metrics) fact(e sched.Effect) {
	switch e := e.(type) {
	case sched.JobSent:
		m.waited.WithLabelValues(m.environment(e.Job.Environment()), laneLabel(e.Job.Lane())).Observe(e.Waited.Seconds())
	case sched.JobEnded:
		status := statusLabel(e.Status)
		m.ended.WithLabelValues(e.End.String(), status).Inc()
		if e.End == sched.EndResult {
			m.ran.WithLabelValues(m.environment(e.Job.Environment()), status).Observe(e.Ran.Seconds())
		}
	case sched.JobRefused:
		m.refused.WithLabelValues(e.Why).Inc()
	case sched.JobRequeued:
		m.requeued.Inc()
	case sched.Ignored:
		m.ignored.Inc()
	}
}

// maxEnvironments bounds the label values that agents can make up.
const maxEnvironments = 200

// environment returns the label of an environment that an agent has.
func (m *metrics) environment(n sched.Name) string {
	label, ok := m.environments[n]
	if !ok {
		if len(m.environments) >= maxEnvironments {
			return "other"
		}
		label = strings.ToValidUTF8(n.String(), "?")
		m.environments[n] = label
	}
	return label
}

// laneLabel returns the label of a [sched.Job.Lane].
func laneLabel(l int) string { return [sched.Lanes]string{"0", "1", "other"}[l] }

// statusLabel returns the label of a result's status, which a grader can make up.
func statusLabel(s string) string {
	switch s {
	case "success", "failed", "crash", "killed", "overflow", "timeout", "error", "crashed":
		return s
	case "":
		return "none"
	}
	return "other"
}

// seconds is for the page and its JSON: no more digits than matter.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
