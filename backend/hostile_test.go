package backend

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/backend/sched"
)

// No page may load or run what is not ours, be framed, or be kept: what is on it
// comes from strangers.
func TestPagesAreHardened(t *testing.T) {
	withOperator(t, "", func(o *operator) {
		for _, path := range []string{"/", "/status.json", "/page/page.js", "/nowhere"} {
			w := httptest.NewRecorder()
			o.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			policy := w.Header().Get("Content-Security-Policy")
			if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") ||
				strings.Contains(policy, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %v", path, w.Header())
			}
		}
	})
}

// Agents that make up environments make up no metrics without end.
func TestEnvironmentsOfMetricsAreBounded(t *testing.T) {
	m := newMetrics(prometheus.NewRegistry())
	labels := map[string]bool{}
	for i := range 10 * maxEnvironments {
		labels[m.environment(sched.Name{Type: "docker", Name: fmt.Sprint(i)})] = true
	}
	if len(labels) != maxEnvironments+1 || !labels["other"] {
		t.Errorf("%d labels", len(labels))
	}
}
