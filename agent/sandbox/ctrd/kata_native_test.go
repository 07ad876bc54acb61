//go:build native

package ctrd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// kataShim stands in for Kata's shim, which needs virtual machines. It notes
// what containerd gives it; what has a configuration file it refuses as a broken
// installation would, the rest it leaves to runc.
const kataShim = `#!/bin/sh
case "$*" in
*start)
	cat > "$NOTES/options"
	cp config.json "$NOTES/"
	if test -s "$NOTES/options"; then echo "no virtual machine" >&2; exit 1; fi ;;
esac
exec containerd-shim-runc-v2 "$@"
`

// Kata's shim is found by its name and given the specification as it is, and the
// file that the operator named; its containers live as others do.
func TestKataShim(t *testing.T) {
	bin, notes := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(bin, "containerd-shim-kata-v2"), []byte(kataShim), 0o700))
	t.Setenv("NOTES", notes)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	_, cfg := ownDaemon(t)
	r := withImage(t, connect(t, cfg))
	kata := sandbox.Handler{Name: "io.containerd.kata.v2"}

	c := probe(t, r, kata, "exit", "7")
	must(t, c.Start(t.Context()))
	if e := mustExit(t, c); e.Code != 7 {
		t.Errorf("exit %+v, want 7", e)
	}
	text, err := os.ReadFile(filepath.Join(notes, "config.json"))
	must(t, err)
	var spec specs.Spec
	must(t, json.Unmarshal(text, &spec))
	if last := len(spec.Process.Args) - 1; spec.Process.Args[last] != "7" || len(spec.Annotations) > 0 || spec.Root.Path != "rootfs" {
		t.Errorf("the shim was given %s", text)
	}

	const file = "/etc/kata-containers/configuration.toml"
	kata.Config = file
	_, err = r.Create(t.Context(), sandbox.Spec{ID: "configured", Image: probeImage, Handler: kata, OCI: probeSpec("exit", "0")})
	if err == nil || !strings.Contains(err.Error(), "no virtual machine") {
		t.Errorf("error %v, want the shim's", err)
	}
	options, err := os.ReadFile(filepath.Join(notes, "options"))
	must(t, err)
	for _, want := range []string{"runtimeoptions.v1.Options", "io.containerd.kata.v2.options", file} {
		if !strings.Contains(string(options), want) {
			t.Errorf("the shim was given the options %q without %q", options, want)
		}
	}
}
