//go:build native

package native

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

func TestDaemon(t *testing.T) {
	tier.Require(t, tier.Native)
	d, err := Start(t.Context(), Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	answers := func() bool {
		conn, err := net.Dial("unix", d.Address())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	for _, tt := range []struct {
		name string
		do   func() error
		up   bool
	}{
		{"started", func() error { return nil }, true},
		{"restarted", func() error { return d.Restart(t.Context()) }, true},
		{"killed", d.Kill, false},
		{"killed again", d.Kill, false},
		{"run again", func() error { return d.Run(t.Context()) }, true},
		{"stopped", d.Stop, false},
		{"stopped again", d.Stop, false},
	} {
		if err := tt.do(); err != nil || answers() != tt.up {
			t.Fatalf("%s: %v; answers: %v, want %v", tt.name, err, answers(), tt.up)
		}
	}
}

// A daemon that cannot start says why.
func TestDaemonFails(t *testing.T) {
	tier.Require(t, tier.Native)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "root"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := Start(t.Context(), Config{Dir: dir}); err == nil {
		t.Error("started on a root that is a file", d.Stop())
	} else if !strings.Contains(err.Error(), filepath.Join(dir, "root")) {
		t.Errorf("error %v, want one that names the file", err)
	}
}
