package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/ingot-grading/ingot/wire/zmtp"
)

// registry returns the metrics of the process and of its sockets.
func registry(agents, clients *zmtp.Router) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newSocket("agent", agents), newSocket("client", clients),
	)
	return reg
}

// socket tells Prometheus of a socket and of the peers that keep messages waiting.
type socket struct {
	router *zmtp.Router

	connections, messages, bytes, peerMessages, peerBytes, accepted, refused, failed *prometheus.Desc
}

func newSocket(side string, r *zmtp.Router) *socket {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("ingot_backend_"+name, help, labels, prometheus.Labels{"side": side})
	}
	return &socket{
		router:       r,
		connections:  desc("connections", "Connections that are up."),
		messages:     desc("queued_messages", "Messages that wait to be sent."),
		bytes:        desc("queued_bytes", "Bytes that wait to be sent."),
		peerMessages: desc("peer_queued_messages", "Messages that wait for a peer, of the ten for which most bytes do.", "peer"),
		peerBytes:    desc("peer_queued_bytes", "Bytes that wait for a peer, of the ten for which most do.", "peer"),
		accepted:     desc("connections_accepted_total", "Connections accepted."),
		refused:      desc("connections_refused_total", "Connections closed because there were too many."),
		failed:       desc("handshakes_failed_total", "Connections that ended in their handshake."),
	}
}

// Describe implements [prometheus.Collector].
func (s *socket) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.connections, s.messages, s.bytes, s.peerMessages, s.peerBytes, s.accepted, s.refused, s.failed} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (s *socket) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	counter := func(d *prometheus.Desc, n uint64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
	st := s.router.Stats()
	gauge(s.connections, int64(st.Peers))
	gauge(s.messages, int64(st.Queued))
	gauge(s.bytes, st.QueuedBytes)
	counter(s.accepted, st.Accepted)
	counter(s.refused, st.Refused)
	counter(s.failed, st.Failed)
	told := map[string]bool{} // peers of an ipc address all have the same, and a series may come once
	for _, q := range st.Longest {
		if !told[q.Addr] {
			told[q.Addr] = true
			gauge(s.peerMessages, int64(q.Messages), q.Addr)
			gauge(s.peerBytes, q.Bytes, q.Addr)
		}
	}
}
