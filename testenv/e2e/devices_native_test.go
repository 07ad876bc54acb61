//go:build native

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
)

// Graders and students of the type nvidia have the devices that the operator's
// files describe: the node, the variable and the mount. Others on the same
// images do not.
func TestDevices(t *testing.T) {
	const seen = `
test -c /dev/gpu0 && echo x > /dev/gpu0 && test "$GPU" = all && test "$(cat /opt/gpu.conf)" = driver`
	for _, binary := range []string{"runc", "crun"} {
		t.Run(binary, func(t *testing.T) {
			r := start(t, "nvidia", func(cfg *grade.Config) {
				cfg.Kinds[0].Runtime.Binary = binary
				cfg.Kinds = append(cfg.Kinds, kind(t, "crun"))
			})
			dir := filepath.Dir(r.state)
			for name, text := range map[string]string{
				"driver": "driver",
				"gpu.json": `{"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu", "devices": [{"name": "all", "containerEdits": {
					"env": ["GPU=all"],
					"deviceNodes": [{"path": "/dev/gpu0", "hostPath": "/dev/null", "permissions": "rw"}],
					"mounts": [{"hostPath": "` + dir + `/driver", "containerPath": "/opt/gpu.conf", "options": ["bind", "ro"]}]}}]}`,
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r.check(t, "gpu", seen+` || no "the grader has none"
cat > student/look <<'S'`+seen+`
S
run_student sh student/look; is 0`)
			r.kind = "docker"
			r.check(t, "none", `test ! -e /dev/gpu0 && test -z "$GPU" && test ! -e /opt/gpu.conf || no "it has a GPU"`)
		})
	}
}

// Without the file there is no container, and the job says so.
func TestDevicesMissing(t *testing.T) {
	r := start(t, "nvidia")
	r.task("ok", `feedback-result success`)
	job := r.job("ok", limits{})
	job.EnvironmentType = r.kind
	if done := r.grade(job); done.Status != "crash" || done.State != "before" {
		t.Errorf("got %s %q with state %q", done.Status, done.Text, done.State)
	}
}
