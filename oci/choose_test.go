package oci

import (
	"errors"
	"strings"
	"testing"
)

// What the words of a choice come to: handler, program, type, shared or
// relayed, root, GPU.
func TestChooseRuntime(t *testing.T) {
	for line, want := range map[string]string{
		"crun":                                 "io.containerd.runc.v2 crun docker shared crun",
		"runc docker":                          "io.containerd.runc.v2 runc docker shared runc",
		"runc docker root shared":              "io.containerd.runc.v2 runc docker shared root runc",
		"runc docker shared root":              "io.containerd.runc.v2 runc docker shared root runc",
		"io.containerd.runc.v2 docker shared":  "io.containerd.runc.v2 runc docker shared runc",
		"/opt/runc-1.2 docker":                 "io.containerd.runc.v2 /opt/runc-1.2 docker shared runc",
		"runc kata":                            "io.containerd.runc.v2 runc kata relayed kata-runtime",
		"kata":                                 "io.containerd.kata.v2 - kata relayed root kata-runtime",
		"kata-runtime kata root":               "io.containerd.kata.v2 - kata relayed root kata-runtime",
		"io.containerd.kata-qemu.v2":           "io.containerd.kata-qemu.v2 - kata relayed root kata-runtime",
		"runsc docker":                         "io.containerd.runsc.v1 - docker relayed root kata-runtime",
		"/usr/bin/runsc kata":                  "io.containerd.runsc.v1 - kata relayed root kata-runtime",
		"runsc docker shared":                  "io.containerd.runsc.v1 - docker shared root runc",
		"nvidia":                               "io.containerd.runc.v2 - nvidia shared gpu nvidia",
		"runc nvidia":                          "io.containerd.runc.v2 runc nvidia shared gpu runc",
		"youki docker shared":                  "io.containerd.runc.v2 youki docker shared runc",
		"youki wasm":                           "io.containerd.runc.v2 youki wasm relayed kata-runtime",
		"io.containerd.foo.v1 docker root":     "io.containerd.foo.v1 - docker relayed root kata-runtime",
		"/opt/containerd-shim-foo-v1 a shared": "/opt/containerd-shim-foo-v1 - a shared runc",
	} {
		r, err := ChooseRuntime(strings.Fields(line)...)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		binary, kernel := r.Binary, "relayed"
		if binary == "" {
			binary = "-"
		}
		if r.SharedKernel {
			kernel = "shared"
		}
		have := []string{r.Handler, binary, r.EnvType, kernel}
		if r.Root {
			have = append(have, "root")
		}
		if r.GPU && len(r.Devices) == 1 {
			have = append(have, "gpu")
		}
		if got := strings.Join(append(have, r.Told), " "); got != want || r.SSHEnvType != r.EnvType+"-ssh" {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func TestBadChoices(t *testing.T) {
	for line, want := range map[string]string{
		"":                              "want NAME",
		"-v":                            "want NAME",
		"lxc":                           "lxc is not known",
		"runc Docker":                   `"Docker" cannot be`,
		"runc root":                     "type comes before root",
		"runc docker-ssh":               "offer it as docker",
		"runc mcq":                      "other agents",
		"crun runc":                     "runc is a runtime",
		"runc docker root root":         "twice",
		"runc docker gpu":               `"gpu" is neither`,
		"runc docker root shared extra": `"extra" is neither`,
		"runsc kata shared":             "share no kernel",
	} {
		if r, err := ChooseRuntime(strings.Fields(line)...); !errors.Is(err, ErrChoice) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want an error with %q", line, r, err, want)
		}
	}
	if _, err := ChooseRuntime("runc\n", "docker"); !errors.Is(err, ErrChoice) {
		t.Error("a line break is taken for a name")
	}
}

// Rules are not changed by what is chosen.
func TestRulesStay(t *testing.T) {
	if _, err := ChooseRuntime("runc", "kata", "root"); err != nil {
		t.Fatal(err)
	}
	if r, _ := FindRuntime("runc"); r.EnvType != "docker" || r.Root || !r.SharedKernel {
		t.Errorf("the rule is now %+v", r)
	}
}
