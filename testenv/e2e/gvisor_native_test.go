//go:build native

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
	machine "github.com/ingot-grading/ingot/testenv/native"
	"github.com/ingot-grading/ingot/wire"
)

// onGVisor makes an agent offer gVisor as what the words say.
func onGVisor(t testing.TB, words ...string) func(*grade.Config) {
	k := kind(t, append([]string{"runsc"}, words...)...)
	k.Runtime.Config = machine.RunscConfig
	return func(cfg *grade.Config) { cfg.Kinds = []grade.Kind{k} }
}

// A grader and its students, each with a kernel of its own: all that passes
// between them is relayed.
func TestGVisor(t *testing.T) {
	r := start(t, "runsc", onGVisor(t))
	r.check(t, "kernel", `dmesg | grep -qi gvisor || no "this is not gVisor"`)
	r.check(t, "streams", `
out=$(echo question | run_student "sh -c 'cat; echo error >&2; exit 7'" 2>/tmp/err)
is 7
test "$out" = question || no "output $out"
test "$(cat /tmp/err)" = error || no "errors $(cat /tmp/err)"
out=$(echo question | run_student "sh -c 'cat /dev/stdin > /dev/stdout'"); is 0
test "$out" = question || no "by name: $out"`)
	r.check(t, "box", `
mkdir -p student/scripts; echo mine > student/mine; echo secret > secret
cat > student/look <<'S'
test "$(id -u)" = 4242 && test "$(cat student/mine)" = mine && echo his > student/his && test ! -e /task/secret && dmesg | grep -qi gvisor
S
run_student sh student/look; is 0
test "$(cat student/his)" = his || no "nothing came back"`)
	r.check(t, "root", `test "$(run_student --run-as-root id -u)" = 0 || no "not root"`)
	r.check(t, "signals", `
run_student "sh -c 'kill -9 \$\$'"; is 247
mkfifo /tmp/ready; exec 3<>/tmp/ready
run_student "sh -c 'echo ready; exec sleep 1000'" >&3 & read x <&3
kill -TERM $!; wait $!; is 241`)
	r.check(t, "much", `
dd if=/dev/urandom of=/tmp/in bs=64k count=80 2>/dev/null
run_student cat < /tmp/in > /tmp/out; is 0
cmp /tmp/in /tmp/out || no "changed on the way"`)
	r.check(t, "slow", `
run_student "head -c 100000000 /dev/zero" | { sleep 3; wc -c > /tmp/n; }
test "$(cat /tmp/n)" = 100000000 || no "$(cat /tmp/n) bytes came"`)
	r.check(t, "unread", `
mkfifo /tmp/reads; exec 3<>/tmp/reads
head -c 100000000 /dev/zero | run_student "sh -c 'echo here; exec sleep 1000'" >&3 & read x <&3
test "$(run_student echo beside)" = beside || no "another is not heard"
kill -TERM $!; wait $!; is 241`)
	r.check(t, "deaf", `
mkdir -p student; mkfifo /tmp/gone; exec 4<>/tmp/gone
{ run_student "sh -c 'cat /dev/zero; echo \$? > student/end'"; echo gone >&4; } | true
read x <&4
i=0; while test ! -s student/end && test $i -lt 30; do sleep 1; i=$((i+1)); done
test "$(cat student/end)" = 141 || no "with nobody to read it ended with $(cat student/end)"`)
	r.check(t, "killed", `
mkfifo /tmp/here /tmp/in; exec 3<>/tmp/here 4<>/tmp/in
for i in $(seq 20); do
	run_student "sh -c 'echo here; cat'" <&4 >&3 & read x <&3
	kill -9 $!
done
i=0; until run_student true || test $i = 30; do sleep 1; i=$((i+1)); done
test $i -lt 30 || no "what it ran is there for ever"`)
	r.check(t, "codes", `
for i in 1 2 3 4; do (run_student "sh -c 'exit $i'"; echo $? > /tmp/code$i) & done; wait
for i in 1 2 3 4; do test "$(cat /tmp/code$i)" = $i || no "$i: $(cat /tmp/code$i)"; done`)
	r.check(t, "tenth", `
mkfifo /tmp/tenth; exec 3<>/tmp/tenth
{ run_student --hard-time 20 sleep 1000; echo "first $?" >> /tmp/ended; } & first=$!
for i in $(seq 8); do run_student true; is 0; done
run_student "sh -c 'echo here; exec sleep 1000'" >&3 & tenth=$!
read x <&3
test ! -e /tmp/ended || no "too late to see anything"
wait $first
test "$(cat /tmp/ended)" = "first 253" || no "$(cat /tmp/ended)"
kill -TERM $tenth; wait $tenth; is 241`) // whose ids begin alike
	r.check(t, "time", `run_student --hard-time 3 sleep 100; is 253`)
	r.check(t, "network", `run_student --share-network true; is 254`)
	r.check(t, "flight", `
cat > flee <<'S'
hop() { hop & }
for i in $(seq 20); do hop & done
S
mkdir -p student; cp flee student
for i in $(seq 6); do run_student --hard-time 10 sh student/flee; is 0; done
. ./flee`) // one kill does not reach what forks and ends all the time
}

// A job on gVisor ends when it is killed or out of time, with all its students.
func TestGVisorEnds(t *testing.T) {
	r := start(t, "runsc", onGVisor(t))
	r.task("sleep", `trap "" TERM; run_student sleep 1000 & while :; do sleep 1000; done`)
	kill := func(when string, started func(id string)) {
		job := r.job("sleep", limits{})
		job.EnvironmentType = r.kind
		r.send(job)
		started(job.JobID)
		r.send(&wire.ClientKillJob{JobID: job.JobID})
		if done := r.done(job.JobID); done.Status != "killed" || done.State != "before" {
			t.Errorf("%s: got %s with state %q, want killed with the state kept", when, done.Status, done.State)
		}
	}
	kill("while it runs", func(string) { r.awaitStarts(t, 2) }) // the second is its student's
	kill("while it is prepared", r.started)
	r.task("late", `feedback-result success; run_student yes | sleep 1000`)
	job := r.job("late", limits{hard: 4})
	job.EnvironmentType = r.kind
	if done := r.grade(job); done.Status != "timeout" || done.State != "before" {
		t.Errorf("got %s with state %q, want timeout with the state kept", done.Status, done.State)
	}
}

// Under the type docker too, and with programs that the image does not have.
func TestGVisorAsDocker(t *testing.T) {
	programs := guestDir(t)
	r := start(t, "runsc", onGVisor(t, "docker"), func(cfg *grade.Config) { cfg.Guest = programs })
	r.strangers("demo-bare")
	r.task("bare", `
out=$(run_student "sh -c 'id -u; exit 3'"); test "$?/$out" = 3/4242 || feedback -r failed -f "student: $?/$out"
feedback-msg -m "$(dmesg | grep -ci gvisor)"; feedback-result success`)
	job := r.job("bare", limits{})
	job.Environment = "demo-bare"
	if done := r.grade(job); done.Status != "success" || strings.HasPrefix(done.Text, "0") {
		t.Errorf("got %s %q", done.Status, done.Text)
	}
}

// What passes between a grader and its student in a second where they share no
// kernel: through the agent alone, with all on this kernel, and through gVisor's.
func BenchmarkRelayed(b *testing.B) {
	for runtime, as := range map[string]func(*grade.Config){"crun": relaying, "runsc": onGVisor(b)} {
		b.Run(runtime, func(b *testing.B) { benchmarkRelayed(b, start(b, runtime, as)) })
	}
}

func benchmarkRelayed(b *testing.B, r *rig) {
	const size = 50_000_000
	r.task("out", fmt.Sprintf(`run_student "head -c %d /dev/zero" > /dev/null && feedback-result success`, size))
	r.task("in", fmt.Sprintf(`head -c %d /dev/zero | run_student "sh -c 'cat > /dev/null'" && feedback-result success`, size))
	for _, task := range []string{"out", "in"} {
		b.Run(task, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				job := r.job(task, limits{})
				job.EnvironmentType = r.kind
				if done := r.grade(job); done.Status != "success" {
					b.Fatalf("got %s %q", done.Status, done.Text)
				}
			}
		})
	}
}
