//go:build native

package network

import (
	"testing"
	"time"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// BenchmarkJob is what a network adds to a job: before its start and, when its
// result is out, to its clean-up.
func BenchmarkJob(b *testing.B) {
	tier.Require(b, tier.Native)
	for name, ports := range map[string][]uint16{"address": nil, "port": {22}} {
		b.Run(name, func(b *testing.B) {
			n := open(b, Config{})
			var joining time.Duration
			for b.Loop() {
				start := time.Now()
				a, err := n.Join(b.Context(), "job", ports)
				joining += time.Since(start)
				if err != nil {
					b.Fatal(err)
				}
				if err := a.Remove(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			join := float64(joining.Nanoseconds()) / float64(b.N)
			b.ReportMetric(join, "ns/join")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)-join, "ns/remove")
		})
	}
}

// BenchmarkOpen is what networks add to the start and the end of an agent.
func BenchmarkOpen(b *testing.B) {
	tier.Require(b, tier.Native)
	state := b.TempDir()
	for b.Loop() {
		n, err := Open(b.Context(), Config{State: state})
		if err != nil {
			b.Fatal(err)
		}
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
