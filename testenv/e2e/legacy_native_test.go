//go:build native

package e2e

import (
	"slices"
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/testenv/images"
	"github.com/ingot-grading/ingot/wire"
)

// The agent and images of all families understand each other on every runtime.
func TestLegacy(t *testing.T) {
	l := newLegacy(t)
	for _, runtime := range runtimes {
		t.Run(runtime, func(t *testing.T) {
			r := start(t, runtime)
			r.dead()
			l.bring(r, images.Families...)
			for _, f := range images.Families {
				r.env = f.Env()
				t.Run(string(f), func(t *testing.T) {
					legacyStudents(t, r)
					legacyBox(t, r)
					legacyRefused(t, r)
					legacyAtOnce(t, r)
				})
			}
		})
	}
}

// legacyStudents sees the exit codes of student containers, and their files.
func legacyStudents(t *testing.T, r *rig) {
	r.check(t, "legacy-students", `
run_student true; is 0
run_student false; is 1
run_student "sh -c 'kill -9 \$\$'"; is 247
out=$(echo question | run_student "sh -c 'cat; echo error >&2; exit 7'" 2>/tmp/err); is 7
test "$out" = question || no "output $out"
test "$(cat /tmp/err)" = error || no "errors $(cat /tmp/err)"
head -c 300000 /dev/zero > /tmp/in
run_student cat < /tmp/in > /tmp/out; is 0
test "$(cksum < /tmp/in)" = "$(cksum < /tmp/out)" || no "changed on the way"
test "$(ls /sockets)" = main.sock || no "left: $(ls /sockets)"`)
}

// legacyBox sees what a student container has of its task.
func legacyBox(t *testing.T, r *rig) {
	const name = "legacy-box"
	r.file(name, "systemfiles/hosts", "1.2.3.4 there\n")
	r.file(name, "systemfiles/resolv.conf", "nameserver 1.2.3.4\n")
	r.file(name, "student/scripts/s", "a script\n")
	r.file(name, "student/look", `
test "$(id -u)$PWD" = 4242/task &&
test "$(cat /task/student/scripts/s)" = "a script" &&
echo his > /task/student/his &&
test ! -e /task/run &&
grep -q there /etc/hosts &&
grep -q 1.2.3.4 /etc/resolv.conf`)
	r.file(name, "student/ask", `exec 3<>/dev/tcp/127.0.0.1/8000 && cat <&3`)
	r.file(name, "serve.py", `
import socket
s = socket.create_server(("127.0.0.1", 8000))
open("/tmp/listening", "w").close()
s.accept()[0].sendall(b"hello\n")`)
	r.check(t, name, `
grep -q there /etc/hosts || no hosts
grep -q 1.2.3.4 /etc/resolv.conf || no resolv.conf
run_student sh student/look; is 0
test "$(cat student/his)" = his || no "nothing came back"
test "$(stat -c %a student/scripts)" = 0 || no "scripts have $(stat -c %a student/scripts)"
run_student --teardown-script "touch /task/student/torn" true; is 0
test -e student/torn || no "no teardown"
test "$(stat -c %a student/scripts)" = 1411 || no "scripts have $(stat -c %a student/scripts)"
mkfifo /tmp/listening; python3 serve.py & read < /tmp/listening
test "$(run_student --share-network bash student/ask)" = hello || no "no network is shared"`)
}

// legacyRefused sees that what cannot be is a code and not a hang, though REQ
// sockets lose what comes too early (PROTOCOL.md 5.5).
func legacyRefused(t *testing.T, r *rig) {
	r.check(t, "legacy-refused", `
run_student --container nowhere true; is 254
run_student --run-as-root true; is 254
run_student --container dead true; is 254
run_student no-such-program; is 1
run_student --hard-time 1 sleep 100 & first=$!
run_student --time 1 "sh -c 'while :; do :; done'"; is 253
wait $first; is 253`)
}

// legacyAtOnce runs jobs at once that run students at once.
func legacyAtOnce(t *testing.T, r *rig) {
	r.task("legacy-many", `
for i in 1 2 3; do (run_student "sh -c 'exit $i'"; echo $? > /tmp/code$i) & done; wait
feedback -r success -f "$(cat /tmp/code*)"`)
	jobs := map[string]bool{}
	for range 2 {
		job := r.job("legacy-many", limits{})
		jobs[job.JobID] = true
		r.send(job)
	}
	for len(jobs) > 0 {
		if done, ok := r.next().(*wire.BackendJobDone); ok {
			delete(jobs, done.JobID)
			if done.Status != "success" || done.Text != "1\n2\n3" {
				t.Errorf("%s: %s %q", done.JobID, done.Status, done.Text)
			}
		}
	}
}

// Our half of the container side works with the other one, both ways, and with
// the library in Python that scripts use.
func TestLegacyBesideOurs(t *testing.T) {
	l := newLegacy(t)
	r := start(t, "crun", func(cfg *grade.Config) { cfg.Guest = guestDir(t) })
	library, err := images.LegacyPrograms("inginious-ipython")
	if err != nil {
		t.Fatal(err)
	}
	r.load(r.runtime, images.Stranger("ingot.test/python:latest", "python", append(slices.Clip(l.root), library...)))
	l.bring(r, images.Families...)
	const ask = `out=$(echo question | run_student --container $student "sh -c 'cat; kill -9 \$\$'"); is 247; test "$out" = question || no "output $out"`
	for _, f := range images.Families {
		r.env = f.Env()
		r.check(t, "ours-for-theirs", `student=demo; `+ask)
		r.env = "demo"
		r.check(t, "theirs-for-ours", `student=`+f.Env()+`; `+ask)
	}
	r.env = "python"
	r.file("library", "run.py", `
import subprocess
if get_input("@state") == "before" and run_student("sh -c 'exit 5'") == 5 and run_student("true", container="demo") == 0:
    set_global_feedback("from the library")
    subprocess.run(["feedback-result", "success"])
`)
	if done := r.grade(r.job("library", limits{})); done.Status != "success" || done.Text != "from the library" {
		t.Errorf("got %s %q", done.Status, done.Text)
	}
}

// The same where no kernel is shared, which the last family knows nothing of.
func TestLegacyRelayed(t *testing.T) {
	l := newLegacy(t)
	r := start(t, "crun", relaying)
	l.bring(r, images.F3b, images.F4a)
	// libzmq's REQ may lose one of two messages in quick succession (PROTOCOL.md
	// 5.7): of the student's start, its output and its end.
	const ask = `
out=$(echo question | run_student --container $student "sh -c 'sleep 0.5; cat; sleep 0.5; exit 7'"); is 7
test "$out" = question || no "output $out"
test "$(run_student --container $student --run-as-root "sh -c 'sleep 0.5; id -u; sleep 0.5'")" = 0 || no "not root"`
	for _, f := range []images.Family{images.F3b, images.F4a} {
		r.env = f.Env()
		r.check(t, "relayed", `student=`+f.Env()+ask)
		r.check(t, "ours-for-theirs", `student=demo`+ask)
		r.env = "demo"
		r.check(t, "theirs-for-ours", `student=`+f.Env()+ask)
	}
}

// Root of a shared kernel is refused before there is a container, which
// INGInious' run_student shows as any other refusal (PROTOCOL.md 5.5).
func TestLegacyRoot(t *testing.T) {
	l := newLegacy(t)
	r := start(t, "crun", func(cfg *grade.Config) { cfg.Kinds[0].Runtime.Root = true })
	l.bring(r, images.F4b)
	for env, code := range map[string]string{images.F4b.Env(): "254", "demo": "251"} {
		r.env = env
		r.check(t, "root", `run_student --run-as-root true; is `+code)
	}
}
