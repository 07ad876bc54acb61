package apt

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// What cannot be installed from here is named.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := Ensure(t.Context(), io.Discard, "surely-no-such-package")
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "surely-no-such-package") {
		t.Errorf("got %v", err)
	}
}

// A failure is tried again with fresh lists, and what apt-get said is shown.
func TestFresh(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\nif [ $1 = update ]; then echo fresh; : >fresh; else test -e fresh; fi\n"
	if err := os.WriteFile(dir+"/apt-get", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	var log strings.Builder
	if err := Fresh(t.Context(), &log, dir, "install", "x"); err != nil || log.String() != "fresh\n" {
		t.Errorf("got %v, log %q", err, log.String())
	}
}
