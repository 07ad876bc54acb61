package runtimes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/ingot-grading/ingot/oci"
)

// program is one that has the flags.
type program struct {
	Selection
	Verbose bool   `short:"v"`
	Backend string `arg:""`
}

func parse(t *testing.T, args ...string) (program, error) {
	t.Helper()
	var p program
	k, err := kong.New(&p, kong.Name("p"), kong.DefaultEnvars("P"), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	return p, err
}

// short is what was read, as NAME:TYPE, with r for root and s for a shared kernel.
func short(all []oci.Runtime) string {
	var words []string
	for _, r := range all {
		word := r.Name + ":" + r.EnvType
		if r.Root {
			word += "+r"
		}
		if r.SharedKernel {
			word += "+s"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// The forms of the flag, on the command line and elsewhere.
func TestForms(t *testing.T) {
	const addr = "tcp://b:1"
	for line, want := range map[string]string{
		addr:                     "",
		addr + " --runtime runc": "runc:docker+s",
		addr + " --runtime runc docker root shared":                                "runc:docker+r+s",
		"--runtime runc docker root shared " + addr:                                "runc:docker+r+s",
		"--runtime runc " + addr:                                                   "runc:docker+s",
		"--runtime runc docker -v " + addr:                                         "runc:docker+s",
		"--runtime runc docker -- " + addr:                                         "runc:docker+s",
		addr + " --runtime crun docker --runtime runsc kata root":                  "crun:docker+s runsc:kata+r",
		addr + " --runtime=runc,docker,root --runtime=io.containerd.a.v1,x,shared": "runc:docker+r+s io.containerd.a.v1:x+s",
		"--runtime=runsc,docker " + addr:                                           "runsc:docker+r",
		"--runtime=crun;runsc " + addr:                                             "crun:docker+s runsc:kata+r",
	} {
		p, err := parse(t, strings.Fields(line)...)
		if got := short(p.Runtime); err != nil || got != want || p.Backend != addr {
			t.Errorf("%s: %s for %s, %v; want %s", line, got, p.Backend, err, want)
		}
	}
	for value, want := range map[string]string{
		"runc docker root shared": "runc:docker+r+s", "crun,docker; runsc,kata": "crun:docker+s runsc:kata+r",
	} {
		t.Setenv("P_RUNTIME", value)
		if p, err := parse(t, addr); err != nil || short(p.Runtime) != want {
			t.Errorf("%s: %s, %v; want %s", value, short(p.Runtime), err, want)
		}
	}
	if p, err := parse(t, addr, "--runtime", "runc"); err != nil || short(p.Runtime) != "runc:docker+s" {
		t.Errorf("the command line does not win over the environment: %s, %v", short(p.Runtime), err)
	}
}

// Several configuration files are given by one flag each, or all at once as in a file of settings.
func TestConfigurationFiles(t *testing.T) {
	want := map[string]string{"kata": "/k=1.toml", "runsc": "/r"}
	for _, args := range [][]string{
		{"--runtime-config", "kata=/k=1.toml", "--runtime-config", "runsc=/r"},
		{"--runtime-config", "kata=/k=1.toml;runsc=/r"},
		nil,
	} {
		if args == nil {
			t.Setenv("P_RUNTIME_CONFIG", "kata=/k=1.toml;runsc=/r")
		}
		p, err := parse(t, append(args, "tcp://b:1")...)
		if err != nil || !maps.Equal(p.RuntimeConfig, want) {
			t.Errorf("%q: %q, %v", args, p.RuntimeConfig, err)
		}
	}
}

// What cannot be meant is refused in one line that names the flag.
func TestBadForms(t *testing.T) {
	for _, line := range []string{
		"--runtime", "--runtime -v", "--runtime=", "--runtime ,", "--runtime=runc;", "--runtime lxc", "--runtime runc root",
		"--runtime runc docker gpu", "--runtime crun,runc", "--runtime runc docker root root", "--runtime runc docker root shared more",
		"--runtime-config runsc",
	} {
		_, err := parse(t, append([]string{"tcp://b:1"}, strings.Fields(line)...)...)
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want one line", line, err)
		}
	}
}

// lacking has everything but the named runtimes.
func lacking(names ...string) Look {
	return func(r *oci.Runtime) error {
		if slices.Contains(names, r.Name) {
			return fmt.Errorf("no %s here", r.Name)
		}
		return nil
	}
}

// What is offered, chosen or found, and what is said of the rest.
func TestKinds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "k.toml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		line   string
		look   Look
		want   string // what is offered
		logged string
		err    string
	}{
		"all":              {"", lacking(), "crun:docker+s kata:kata+r nvidia:nvidia+s", "runtime=runsc", ""},
		"few":              {"", lacking("crun", "kata", "nvidia"), "runc:docker+s runsc:kata+r", "no nvidia here", ""},
		"none":             {"", lacking("crun", "runc", "kata", "runsc", "nvidia"), "", "", "install crun"},
		"chosen":           {"--runtime runc --runtime crun", lacking(), "runc:docker+s", "runtime=crun", ""},
		"chosen, not here": {"--runtime kata", lacking("kata"), "", "", "--runtime kata: no kata here"},
		"unknown type":     {"--runtime runc mine", lacking(), "runc:mine+s", "do not know", ""},
		"configured":       {"--runtime kata --runtime-config kata=" + file, lacking(), "kata:kata+r", "", ""},
		"wrongly":          {"--runtime crun --runtime-config crun=" + file, lacking(), "", "", "no configuration file"},
		"by no file":       {"--runtime kata --runtime-config kata=/nonexistent", lacking(), "", "", "--runtime-config kata: stat /nonexistent"},
		"by a directory":   {"--runtime kata --runtime-config kata=/", lacking(), "", "", "--runtime-config kata: / is a directory"},
		"for nothing":      {"--runtime crun --runtime-config kata=" + file, lacking(), "", "", "there is no --runtime kata"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parse(t, append([]string{"tcp://b:1"}, strings.Fields(c.line)...)...)
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			kinds, err := p.Kinds(c.look, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			var offered []oci.Runtime
			for _, k := range kinds {
				offered = append(offered, k.Runtime)
				if want := p.RuntimeConfig[k.Runtime.Name]; k.EnvType != k.Runtime.EnvType || k.Runtime.Config != want {
					t.Errorf("kind %+v, configured by %q", k, want)
				}
			}
			if got := short(offered); got != c.want || !strings.Contains(log.String(), c.logged) {
				t.Errorf("offered %s, want %s; logged:\n%s", got, c.want, log.String())
			}
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

// A machine has a runtime when its programs are on the PATH and its devices are
// described.
func TestHere(t *testing.T) {
	bin, devices := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin)
	look := Here([]string{devices})
	add := func(dir, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string) {
		t.Helper()
		kinds, err := Selection{}.Kinds(look, slog.New(slog.DiscardHandler))
		var offered []string
		for _, k := range kinds {
			offered = append(offered, k.EnvType+"="+k.Runtime.Name+"/"+k.Runtime.Binary)
		}
		if got := strings.Join(offered, " "); got != what || errors.Is(err, ErrNone) != (what == "") {
			t.Errorf("offered %q, %v; want %q", got, err, what)
		}
	}
	want("")
	add(bin, "runc", "")
	want("") // without its shim
	add(bin, "containerd-shim-runc-v2", "")
	want("docker=runc/runc")
	add(bin, "containerd-shim-runsc-v1", "")
	want("docker=runc/runc") // without runsc
	add(bin, "runsc", "")
	want("docker=runc/runc kata=runsc/")
	add(devices, "gpu.json", `{"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu",
		"devices": [{"name": "all", "containerEdits": {"env": ["GPU=all"]}}]}`)
	want("docker=runc/runc nvidia=nvidia/runc kata=runsc/")
	add(bin, "crun", "")
	add(bin, "containerd-shim-kata-v2", "")
	want("docker=crun/crun kata=kata/ nvidia=nvidia/crun")
}
