package ctrd

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// A described device comes with its right to be used, after the rule that
// forbids all, and the specification that it is added to stays as it was.
func TestInject(t *testing.T) {
	dir := t.TempDir()
	text := `{"cdiVersion": "0.6.0", "kind": "a.b/c", "devices": [{"name": "d", "containerEdits": {
		"env": ["D=1"], "deviceNodes": [{"path": "/dev/d", "hostPath": "/dev/null", "permissions": "rw"}]}}]}`
	if err := os.WriteFile(filepath.Join(dir, "d.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := func() *specs.Spec {
		return &specs.Spec{
			Process: &specs.Process{Env: []string{"A=b"}},
			Linux:   &specs.Linux{Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Access: "rwm"}}}},
		}
	}
	spec := plain()
	got, err := inject(spec, []string{"a.b/c=d"}, []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(spec, plain()) {
		t.Errorf("the specification is now %+v", spec)
	}
	rules := got.Linux.Resources.Devices
	if len(rules) != 2 || rules[0].Allow || !rules[1].Allow || *rules[1].Major != 1 || *rules[1].Minor != 3 || rules[1].Access != "rw" {
		t.Errorf("rules %+v", rules)
	}
	if len(got.Linux.Devices) != 1 || got.Linux.Devices[0].Path != "/dev/d" || len(got.Process.Env) != 2 {
		t.Errorf("devices %+v, environment %q", got.Linux.Devices, got.Process.Env)
	}
	for _, bad := range []string{"a.b/c=e", "a.b/c", "", "/dev/null", "nvidia.com/gpu=all"} {
		if _, err := inject(plain(), []string{bad}, []string{dir}); !errors.Is(err, sandbox.ErrNoDevice) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if same, err := inject(spec, nil, []string{"/no/such"}); err != nil || same != spec {
		t.Errorf("without devices: %+v, %v", same, err)
	}
}

// Only gVisor's containers are marked for their shim, and the marks of the
// specification stay.
func TestAnnotations(t *testing.T) {
	own := map[string]string{"a": "b"}
	for name, want := range map[string]int{"": 1, "io.containerd.kata.v2": 1, runscShim: 2, "/opt/containerd-shim-runsc-v1": 2} {
		if got := annotations(sandbox.Handler{Name: name}, own); len(got) != want || got["a"] != "b" || len(own) != 1 {
			t.Errorf("%q: %v of %v", name, got, own)
		}
	}
	if got := annotations(sandbox.Handler{Name: runscShim}, nil); len(got) != 1 {
		t.Errorf("of none: %v", got)
	}
}
