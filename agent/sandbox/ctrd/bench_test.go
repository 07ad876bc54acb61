//go:build native

package ctrd

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// phases collects how long each step took.
type phases struct {
	mu   sync.Mutex
	took map[string][]time.Duration
}

func (p *phases) observe(step string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took[step] = append(p.took[step], took)
}

// timed adds the time of do to a phase.
func (p *phases) timed(b *testing.B, name string, do func() error) {
	began := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	p.observe(name, time.Since(began))
}

// report gives each phase's median as a metric.
func (p *phases) report(b *testing.B) {
	for name, took := range p.took {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, strings.ReplaceAll(name, " ", "_")+"_ms")
	}
}

// BenchmarkLife is the whole life of a container that runs true, and the median
// of each of its steps.
func BenchmarkLife(b *testing.B) {
	for name, h := range handlers {
		b.Run(name, func(b *testing.B) {
			p := &phases{took: make(map[string][]time.Duration)}
			cfg := config(b)
			cfg.Observe = p.observe
			r := withImage(b, connect(b, cfg))
			life(b, r, h, p, 0) // unpacked, in the page cache
			p.took = make(map[string][]time.Duration)
			for i := 1; b.Loop(); i++ {
				life(b, r, h, p, i)
			}
			p.report(b)
		})
	}
}

func life(b *testing.B, r *Runtime, h sandbox.Handler, p *phases, i int) {
	p.timed(b, "0-life", func() error {
		var c sandbox.Container
		p.timed(b, "1-Create", func() (err error) {
			c, err = r.Create(b.Context(), sandbox.Spec{
				ID: fmt.Sprintf("life-%d", i), Image: probeImage, Handler: h, OCI: bareSpec("/usr/bin/true"),
			})
			return err
		})
		p.timed(b, "2-Start", func() error { return c.Start(b.Context()) })
		p.timed(b, "3-exit", func() error {
			if e := <-c.Exited(); e.Err != nil || e.Code != 0 {
				return fmt.Errorf("exit %+v", e)
			}
			return nil
		})
		p.timed(b, "4-Delete", func() error { return c.Delete(b.Context()) })
		return nil
	})
}
