//go:build native || vm

package e2e

import (
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
)

// check runs a task whose script says with its status whether all is well, and
// with its text what is not.
func (r *rig) check(t *testing.T, name, sh string) {
	t.Helper()
	r.task(name, `no() { feedback -r failed -f "$*"; exit; }
is() { code=$?; test $code = $1 || no "code $code, want $1"; }
`+sh+`
feedback-result success`)
	job := r.job(name, limits{})
	job.EnvironmentType = r.kind
	if done := r.grade(job); done.Status != "success" {
		t.Errorf("%s: %s: %s", name, done.Status, done.Text)
	}
}

// relaying makes an agent treat its runtime as one that shares no kernel.
func relaying(cfg *grade.Config) {
	k := cfg.Kinds[0].Runtime
	k.SharedKernel, k.Root, k.EnvType, k.Told = false, true, "kata", "kata-runtime"
	cfg.Kinds = []grade.Kind{{EnvType: "kata", Runtime: k}}
}

// both runs a test in both variants of student containers.
func both(t *testing.T, test func(t *testing.T, r *rig), changes ...func(*grade.Config)) {
	for _, name := range runtimes {
		t.Run(name, func(t *testing.T) { test(t, start(t, name, changes...)) })
	}
	t.Run("relayed", func(t *testing.T) { test(t, start(t, "crun", append(changes, relaying)...)) })
}

// A student container has the streams of the call, sees its share of the task,
// and its exit code is that of the command.
func TestStudent(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.check(t, "streams", `
out=$(echo question | run_student "sh -c 'cat; echo error >&2; exit 7'" 2>/tmp/err)
is 7
test "$out" = question || no "output $out"
test "$(cat /tmp/err)" = error || no "errors $(cat /tmp/err)"`)
		r.check(t, "signalled", `run_student "sh -c 'kill -9 \$\$'"; is 247`)
		r.check(t, "signal", `run_student sleep 1000 & sleep 1; kill -TERM $!; wait $!; is 241`)
		r.check(t, "box", `
mkdir -p student/scripts systemfiles; echo mine > student/mine; echo run > student/scripts/s; echo 1.2.3.4 there > systemfiles/hosts; echo secret > secret
cat > student/look <<'E'
test "$(id -u)" = 4242 &&
test "$(cat /task/student/mine)" = mine &&
echo his > /task/student/his &&
test ! -e /task/secret &&
test ! -e /task/run &&
grep -q there /etc/hosts &&
test "$(ls /sys/class/net)" = lo &&
! touch /task/systemfiles/x /course/common/student/x 2>/dev/null
E
run_student sh student/look; is 0
test "$(cat student/his)" = his || no "nothing came back"`)
		r.check(t, "much", `
dd if=/dev/urandom of=/tmp/in bs=64k count=80 2>/dev/null
run_student cat < /tmp/in > /tmp/out; is 0
cmp /tmp/in /tmp/out || no "changed on the way"`)
		r.check(t, "many", `
for i in 1 2 3 4 5 6; do (run_student "sh -c 'exit $i'"; echo $? > /tmp/code$i) & done; wait
for i in 1 2 3 4 5 6; do test "$(cat /tmp/code$i)" = $i || no "$i: $(cat /tmp/code$i)"; done`)
	})
}

// A student container keeps to its own limits, and the grader goes on.
func TestStudentTimes(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.check(t, "wall", `run_student --hard-time 1 sleep 100; is 253`)
		r.check(t, "cpu", `run_student --time 1 "sh -c 'while :; do :; done'"; is 253`)
	})
}
