package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/ingot-grading/ingot/wire/zmtp"
)

// registry returns the metrics of the process and of its sockets.
func registry(agents, clients *zmtp.Router) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for side, r := range map[string]*zmtp.Router{"agent": agents, "client": clients} {
		opts := func(name, help string) prometheus.Opts {
			return prometheus.Opts{Name: "ingot_backend_" + name, Help: help, ConstLabels: prometheus.Labels{"side": side}}
		}
		reg.MustRegister(
			prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("connections", "Connections that are up.")),
				func() float64 { return float64(r.Stats().Peers) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("queued_messages", "Messages that wait to be sent.")),
				func() float64 { return float64(r.Stats().Queued) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("queued_bytes", "Bytes that wait to be sent.")),
				func() float64 { return float64(r.Stats().QueuedBytes) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("longest_queue_bytes", "Bytes that wait for the peer for which most do.")),
				func() float64 { return float64(r.Stats().LongestQueue) }),
			prometheus.NewCounterFunc(prometheus.CounterOpts(opts("connections_accepted_total", "Connections accepted.")),
				func() float64 { return float64(r.Stats().Accepted) }),
			prometheus.NewCounterFunc(prometheus.CounterOpts(opts("connections_refused_total", "Connections closed because there were too many.")),
				func() float64 { return float64(r.Stats().Refused) }),
			prometheus.NewCounterFunc(prometheus.CounterOpts(opts("handshakes_failed_total", "Connections that ended in their handshake.")),
				func() float64 { return float64(r.Stats().Failed) }),
		)
	}
	return reg
}
