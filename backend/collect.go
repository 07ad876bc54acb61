package backend

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/backend/sched"
)

// askTimeout is how long a reader waits for Run to answer.
const askTimeout = 2 * time.Second

// collector tells Prometheus what there is at the moment of a scrape.
type collector struct {
	backend *Backend

	clients, agents, slots, busy, running, queued, bytes *prometheus.Desc
}

func newCollector(b *Backend) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("ingot_backend_"+name, help, labels, nil)
	}
	return &collector{
		backend: b,
		clients: desc("clients", "Clients that said hello."),
		agents:  desc("agents", "Agents by state: ready, drained, away.", "state"),
		slots:   desc("slots", "Slots of all agents that are not away."),
		busy:    desc("slots_busy", "Those of them that have a job."),
		running: desc("jobs_running", "Jobs that are with an agent."),
		bytes:   desc("jobs_waiting_bytes", "Bytes of the jobs that wait."),
		queued:  desc("jobs_waiting", "Jobs that wait.", "environment", "priority"),
	}
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.clients, c.agents, c.slots, c.busy, c.running, c.queued, c.bytes} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector]. A backend that does not answer has
// no values.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	var v *sched.View
	waiting := map[string]*[sched.Lanes]int{}
	err := c.backend.Ask(ctx, func(s *sched.State) {
		v = s.View(time.Now())
		for _, e := range v.Environments {
			label := "other" // nobody has it: a client can make up any number of them
			if e.Agents > 0 {
				label = c.backend.metrics.environment(e.Name)
			}
			if waiting[label] == nil {
				waiting[label] = new([sched.Lanes]int)
			}
			for l, n := range e.Lanes {
				waiting[label][l] += n
			}
		}
	})
	if err != nil {
		return
	}
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	gauge(c.clients, v.Clients)
	gauge(c.running, v.Running)
	gauge(c.bytes, int(v.WaitingBytes))
	var slots, busy int
	states := map[string]int{"ready": 0, "drained": 0, "away": 0}
	for _, a := range v.Agents {
		states[a.State()]++
		if !a.Away {
			slots, busy = slots+a.Slots, busy+a.Running
		}
	}
	gauge(c.slots, slots)
	gauge(c.busy, busy)
	for state, n := range states {
		gauge(c.agents, n, state)
	}
	for label, lanes := range waiting {
		for l, n := range lanes {
			gauge(c.queued, n, label, laneLabel(l))
		}
	}
}
