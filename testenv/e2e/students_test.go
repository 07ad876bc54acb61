//go:build native || vm

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
)

// checks are what scripts say with what is not well, and what code they want.
const checks = `no() { feedback -r failed -f "$*"; exit; }
is() { code=$?; test $code = $1 || no "code $code, want $1"; }
`

// check runs a task whose script says with its status whether all is well, and
// with its text what is not.
func (r *rig) check(t *testing.T, name, sh string) {
	t.Helper()
	r.task(name, checks+sh+"\nfeedback-result success")
	job := r.job(name, limits{})
	job.EnvironmentType = r.kind
	if done := r.grade(job); done.Status != "success" {
		t.Errorf("%s: %s: %s", name, done.Status, done.Text)
	}
}

// relaying makes an agent treat its runtime as one that shares no kernel.
func relaying(cfg *grade.Config) {
	k := cfg.Kinds[0].Runtime
	k.SharedKernel, k.Root, k.EnvType, k.SSHEnvType, k.Told = false, true, "kata", "kata-ssh", "kata-runtime"
	cfg.Kinds = []grade.Kind{{EnvType: "kata", Runtime: k}}
}

// both runs a test in both variants of student containers.
func both(t *testing.T, test func(t *testing.T, r *rig), changes ...func(*grade.Config)) {
	for _, name := range runtimes {
		t.Run(name, func(t *testing.T) { test(t, start(t, name, changes...)) })
	}
	t.Run("relayed", func(t *testing.T) { test(t, start(t, "crun", append(changes, relaying)...)) })
}
