//go:build native

package e2e

import (
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
)

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
		r.check(t, "signal", `
mkfifo /tmp/ready; exec 3<>/tmp/ready
run_student "sh -c 'echo ready; exec sleep 1000'" >&3 & read x <&3
kill -TERM $!; wait $!; is 241`)
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

// What a student container cannot have is an exit code, not a hang.
func TestStudentRefused(t *testing.T) {
	r := start(t, "crun", func(cfg *grade.Config) { cfg.Students = 2 })
	r.check(t, "unknown", `run_student --container nowhere true; is 254`)
	r.check(t, "root", `run_student --run-as-root true; is 254`)
	r.check(t, "cap", `
mkfifo /tmp/codes /tmp/open; exec 3<>/tmp/codes 4<>/tmp/open
for i in 1 2 3 4 5 6; do (exec 4>&-; run_student cat < /tmp/open; echo $? >&3) & done
codes() { for i in $(seq $1); do read code <&3; test $code = $2 || no "code $code, want $2"; done; }
codes 4 254; exec 4>&-; codes 2 0`)
	r.check(t, "link", `
for link in student systemfiles student/scripts; do
  rm -rf student systemfiles; mkdir -p student systemfiles; rm -rf $link; ln -s /etc $link
  run_student true; is 254
done`)
	r.check(t, "gone", `rm -rf student systemfiles; run_student true; is 0`)
}

// Root is refused in other words where only the shared kernel forbids it.
func TestStudentRootRefused(t *testing.T) {
	r := start(t, "crun", func(cfg *grade.Config) { cfg.Kinds[0].Runtime.Root = true })
	r.check(t, "root", `run_student --run-as-root true; is 251`)
}

// The whole job ends when a task asks for what the agent does not offer.
func TestStudentSSH(t *testing.T) {
	r := start(t, "crun")
	r.task("ssh", `ssh_student; feedback-result success`)
	if done := r.grade(r.job("ssh", limits{})); done.Status != "crash" || !strings.Contains(done.Text, "SSH") {
		t.Errorf("got %s %q", done.Status, done.Text)
	}
}

// A script whose student container dies before it says anything does not wait
// for it.
func TestStudentDiesEarly(t *testing.T) {
	r := start(t, "crun")
	r.dead()
	r.check(t, "early", `timeout 60 run_student --container dead true; is 9`)
	r.check(t, "unusable", `
mkdir -p systemfiles/hosts
timeout 60 run_student true; is 254`)
}

// Students of the same network see the grader's server, others do not.
func TestStudentSharesNetwork(t *testing.T) {
	r := start(t, "crun")
	r.check(t, "network", `
echo hello > page
httpd -f -p 127.0.0.1:8000 -h /task &
echo 'for i in 1 2 3 4 5 6 7 8 9; do wget -q -O - http://127.0.0.1:8000/page && exit; sleep 1; done; exit 1' > student/ask
his=$(run_student --share-network sh student/ask); is 0
test "$his" = hello || no "said $his"
own=$(readlink /proc/self/ns/net)
his=$(run_student readlink /proc/self/ns/net); is 0
test "$own" != "$his" || no "it shares the network unasked"`)
}

// A job that ends takes its student containers with it.
func TestStudentsEndWithTheJob(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.task("left", `for i in 1 2 3; do run_student sleep 1000 & done; run_student true; feedback-result success`)
		job := r.job("left", limits{})
		job.EnvironmentType = r.kind
		if done := r.grade(job); done.Status != "success" {
			t.Errorf("got %s %q", done.Status, done.Text)
		}
		r.task("killed", `feedback-result success; run_student yes | sleep 1000`)
		job = r.job("killed", limits{hard: 3})
		job.EnvironmentType = r.kind
		if done := r.grade(job); done.Status != "timeout" {
			t.Errorf("got %s %q", done.Status, done.Text)
		}
	})
}
