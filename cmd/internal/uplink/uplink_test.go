package uplink

import (
	"log/slog"
	"testing"

	"github.com/ingot-grading/ingot/cmd/internal/app"
)

func TestBadFlags(t *testing.T) {
	for name, f := range map[string]Connection{
		"no address":    {Wire: "head"},
		"udp":           {Wire: "head", Backend: "udp://localhost:1"},
		"no version":    {Wire: "0.10", Backend: "tcp://localhost:1"},
		"old version":   {Wire: "0.6", Backend: "tcp://localhost:1"},
		"tls, no files": {Wire: "head", Backend: "tls://localhost:1"},
		"no message":    {Wire: "head", Backend: "tcp://localhost:1", Limits: app.Limits{MaxMessage: -1}},
	} {
		if u, err := f.Dial(slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: accepted", name)
			u.Close()
		}
	}
}

// Closing returns, also where there never was a backend.
func TestClose(t *testing.T) {
	f := Connection{Wire: "0.9", Backend: "tcp://127.0.0.1:1"}
	u, err := f.Dial(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
}
