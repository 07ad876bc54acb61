package ctrd

import (
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// What keeps us from containerd is told in one line of class ErrUnavailable.
func TestConnectTells(t *testing.T) {
	dead := filepath.Join(t.TempDir(), "dead.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{
		"no socket":                 filepath.Join(t.TempDir(), "none.sock"),
		"dead socket":               dead,
		"no socket but a directory": t.TempDir(),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Connect(t.Context(), Config{Address: address, Log: slog.New(slog.DiscardHandler)})
			if err == nil {
				t.Fatal("connected", r.Close())
			}
			if !errors.Is(err, sandbox.ErrUnavailable) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), address) {
				t.Errorf("error %q, want one line of class ErrUnavailable with the address", err)
			}
		})
	}
}

func TestBadConfig(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for name, cfg := range map[string]Config{
		"no log":         {},
		"bad namespace":  {Namespace: "../up", Log: log},
		"long namespace": {Namespace: strings.Repeat("x", 100), Log: log},
	} {
		if r, err := Connect(t.Context(), cfg); err == nil {
			t.Errorf("%s: connected, %v", name, r.Close())
		} else if errors.Is(err, sandbox.ErrUnavailable) {
			t.Errorf("%s: %v, want it not to blame containerd", name, err)
		}
	}
}

func TestTooOld(t *testing.T) {
	for version, want := range map[string]bool{
		"1.6.20~ds1": false, "1.6.0": false, "v1.7.35": false, "2.0.0-rc.1": false, "v10.0.1": false,
		"1.5.18": true, "v1.5.0~ds1": true, "0.2.9": true,
		"": false, "unknown": false, "main-abcdef": false,
	} {
		if got := tooOld(version); got != want {
			t.Errorf("tooOld(%q) = %v", version, got)
		}
	}
}
