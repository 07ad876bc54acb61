package mcq

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetrics(t *testing.T) {
	dir := t.TempDir()
	writeMO(t, dir, "course/task/$i18n/fr.mo", "hello", "salut")
	if err := os.WriteFile(filepath.Join(dir, "course/task/$i18n/de.mo"), []byte("no catalogue"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", filepath.Join(dir, "course/task/$i18n/es.mo")); err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	e, err := New(Config{Tasks: dir, Metrics: reg, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	e.tasks.fresh = 0 // looked up anew each time, but read only if they changed
	const inGerman, inSpanish = `{"q": "0", "@lang": "de"}`, `{"q": "0", "@lang": "es"}`
	for _, inputs := range []string{inFrench, inFrench, inGerman, inGerman, inSpanish, inSpanish, `{"q": "1"}`, `{}`} {
		e.Run(t.Context(), newJob(t, oneChoice, inputs), nil)
	}
	want := map[string]float64{
		"ingot_mcq_jobs_total success": 6, "ingot_mcq_jobs_total failed": 1, "ingot_mcq_jobs_total crash": 1,
		"ingot_mcq_jobs_total crashed": 0, "ingot_mcq_jobs_total killed": 0,
		"ingot_mcq_job_seconds":                8,
		"ingot_mcq_catalogue_reads_total read": 1, "ingot_mcq_catalogue_reads_total refused": 2,
		"ingot_mcq_catalogue_bytes": float64(e.tasks.cost),
	}
	if got := gather(t, reg); !maps.Equal(got, want) || e.tasks.cost == 0 {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if _, err := New(Config{Tasks: dir, Metrics: reg, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("two executors count in one registry")
	}
}

// gather returns each metric's value, of a histogram the count, by name and label.
func gather(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			all[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}
