package uplink

import (
	"log/slog"
	"testing"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/wire/zmtp"
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

// All results of an outage are taken at once, whether or not they are read.
func TestResultsAreNotRefused(t *testing.T) {
	backend, err := zmtp.Listen("tcp://127.0.0.1:*", zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		backend.Close()
		for range backend.Events() {
		}
	}()
	f := Connection{Wire: "head", Backend: backend.Addr()}
	u, err := f.Dial(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	up := <-u.end.Events()
	long, short := make([]byte, 64<<20), make([]byte, 1<<10)
	for i := range 100_000 {
		frame := short
		if i < 10 {
			frame = long
		}
		if err := u.end.Send(up.Peer, frame); err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
	}
	u.end.Drop(up.Peer, nil)
	if err := u.Close(); err != nil {
		t.Error(err)
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
