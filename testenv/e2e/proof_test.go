//go:build native || vm

package e2e

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/mcq"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/testenv/images"
	"github.com/ingot-grading/ingot/wire"
)

// runtimes are those that tests of jobs run on.
var runtimes = []string{"runc", "crun"}

// What PROTOCOL.md says of the ends of containers and of refusals, line by line.
// The jobs of a runtime run on one agent, as many at once as it has slots.
func TestProof(t *testing.T) {
	for _, name := range runtimes {
		t.Run(name, func(t *testing.T) {
			r := startWith(t, func(r *rig, log *slog.Logger, agents string) {
				r.boasts = []wire.Environment{{Type: "docker", Name: "withdrawn", Advertised: true}}
				r.serveAgent(log, agents, name, []func(*grade.Config){func(cfg *grade.Config) {
					cfg.MaxMemory, cfg.OpenFiles, cfg.Runtime = 256<<20, 1024, forgetful{cfg.Runtime}
				}})
			})
			r.raw()
			r.variant("user", func(c *v1.ImageConfig) { c.User = "somebody" })
			r.refuseWithoutPlace(t, row{rule: "3.5 no directory", status: "crash", text: "Cannot make the directory", kept: true})
			r.lose(t, row{rule: "4.9 lost", sh: `feedback-result success; sleep 1000`, status: "crash", kept: true}, "grader")
			r.lose(t, student("4.10 lost", `run_student sleep 1000; is 255`), "grader", "s1")
			r.failStart(t, row{rule: "3.5 start failed", status: "crash", text: "Cannot start the container", kept: true})
			r.run(t, causes)
			r.run(t, codes)
			r.run(t, r.refusals())
		})
	}
}

// raw brings an image whose main process is the task's script itself.
func (r *rig) raw() {
	r.t.Helper()
	r.variant("raw", func(c *v1.ImageConfig) { c.Cmd = []string{"/bin/sh", "/task/run"} })
}

// eat uses memory without end.
const eat = `x=0123456789abcdef; while :; do x=$x$x; done`

// causes are how a grading container ends (PROTOCOL.md 4.9).
var causes = []row{
	{rule: "4.9 feedback given", sh: `feedback-result success; feedback-msg -m "well done"`, status: "success", text: "well done", grade: 100},
	{rule: "4.9 feedback of a failure", sh: `feedback-result failed; feedback-grade 12.345; exit 7`, status: "failed", grade: 12.345},
	{rule: "4.9 no status in it", sh: `feedback-msg -m "no status"`, status: "error", text: "no status"},
	{rule: "4.9 no feedback", sh: `true`, status: "crash", text: "No feedback"},
	{rule: "4.9 no result", env: "raw", sh: `exit 0`, status: "crash", text: "did not return a readable output", kept: true},
	{rule: "4.9 a result, and another end", env: "raw", sh: frameOK + `exit 9`, status: "success", grade: 100},
	{rule: "4.9 invalid feedback", env: "raw", sh: `printf '\000\000\000\030\202\244type\246result\246result\243bad'`, status: "crash", text: "did not return a readable output", kept: true},
	{rule: "4.9 wall limit", sh: `feedback-result success; sleep 1000`, in: limits{hard: 2}, status: "timeout", kept: true},
	{rule: "4.9 CPU limit", sh: `feedback-result success; while :; do :; done`, in: limits{time: 1}, status: "timeout", kept: true},
	{rule: "4.9 killed by the client", sh: `feedback-result success; trap "" TERM; while :; do sleep 1000; done`, kill: true, status: "killed", kept: true},
	{rule: "4.5 open files, no core, and the first to go", status: "success", grade: 100, sh: `
test "$(ulimit -n)/$(ulimit -H -n)" = 1024/1024 || exec feedback -r failed -f "$(ulimit -n)/$(ulimit -H -n)"
test "$(ulimit -c)" = 0 || exec feedback -r failed -f core
test "$(cat /proc/self/oom_score_adj)" = 500 || exec feedback -r failed -f "$(cat /proc/self/oom_score_adj)"
ulimit -c 0
cores=$(grep core /proc/self/limits)
echo $cores | grep -q " 1 1 bytes" || exec feedback -r failed -f "$cores"
feedback-result success`},
	limited(row{rule: "4.9 out of memory", sh: `feedback-result success; ` + eat, in: limits{memory: 40}, status: "overflow", kept: true}),
	limited(row{rule: "4.9 out of memory in a child", sh: `feedback-result success; sh -c '` + eat + `'; feedback-result failed`, in: limits{memory: 40}, status: "overflow", kept: true}),
	limited(row{rule: "4.9 out of memory in a file", sh: `feedback-result success; dd if=/dev/zero of=/dev/shm/x bs=1M count=60; feedback-result failed`, in: limits{memory: 40}, status: "overflow", kept: true}),
	limited(row{rule: "4.5 processes", sh: `feedback-result failed; while :; do sleep 1000 & done`, status: "failed"}),
	limited(row{rule: "4.5 the box", status: "success", grade: 100, sh: `
test "$(cat /sys/fs/cgroup/memory.swap.max)" = 0 || exec feedback -r failed -f swap
test "$(cat /sys/fs/cgroup/memory.oom.group)" = 1 || exec feedback -r failed -f oom.group
test "$(ls /sys/class/net)" = lo || exec feedback -r failed -f net
test ! -w /sys/fs/cgroup/memory.max || exec feedback -r failed -f cgroup
feedback-result success`}),
}

// codes are what run_student returns (PROTOCOL.md 4.10, 5.8).
var codes = []row{
	student("4.10 the command's own", `run_student true; is 0; run_student "sh -c 'exit 250'"; is 250`),
	student("4.5 open files", `run_student "sh -c 'test \$(ulimit -n)/\$(ulimit -H -n) = 256/256'"; is 0`),
	student("4.6 the first to go", `run_student "sh -c 'test \$(cat /proc/self/oom_score_adj) = 500'"; is 0`),
	student("4.10 killed by a signal", `run_student "sh -c 'kill -9 \$\$'"; is 247`),
	student("4.10 CPU limit", `run_student --time 1 "sh -c 'while :; do :; done'"; is 253`),
	student("4.10 wall limit", `run_student --hard-time 1 sleep 100; is 253`),
	student("4.10 unknown environment", `run_student --container nowhere true; is 254`),
	student("4.10 root", `run_student --run-as-root true; is 254`),
	student("4.10 not created", `run_student --container user true; is 254; rm -rf student; ln -s /etc student; run_student true; is 254`),
	limited(student("4.10 out of memory", `
echo '`+eat+`' > student/eat
run_student sleep 5 & other=$!
run_student --memory 30 sh student/eat; is 252
wait $other; is 0`)),
	limited(student("4.10 hardly any memory", `run_student --memory 1 true; code=$?; test $code = 252 || test $code = 254 || no "code $code"`)),
	limited(student("4.7 memory of one's own", `
dd if=/dev/zero of=/dev/shm/x bs=1M count=60 2>/dev/null
run_student "sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60 && sleep 3'" & other=$!
run_student "sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60 && sleep 3'"; is 0
wait $other; is 0`)),
}

// refusals are the jobs that cannot be created (PROTOCOL.md 3.5).
func (r *rig) refusals() []row {
	rows := []row{
		{rule: "3.5 no task", text: "task is not available", change: func(j *wire.ClientNewJob) { j.TaskID.Value = "nowhere" }},
		{rule: "3.5 no course", text: "task is not available", change: func(j *wire.ClientNewJob) { j.CourseID.Value = "nowhere" }},
		{rule: "3.5 a task elsewhere", text: "task is not available", change: func(j *wire.ClientNewJob) { j.TaskID.Value = "../../etc" }},
		{rule: "3.5 no environment", env: "withdrawn", text: "environment docker/withdrawn is not available on this agent"},
		{rule: "3.5 no image", env: "forgotten", text: "image of the environment is unknown"},
		{rule: "3.5 half a task", text: "task", change: func(j *wire.ClientNewJob) { j.CourseID = wire.Nullable{Null: true} }},
		{rule: "3.5 limits no numbers", text: "parse the parameters", change: func(j *wire.ClientNewJob) { j.Parameters = wire.Raw("\x81\xa6limits\x81\xa4time\xa3two") }},
		{rule: "3.5 limits below zero", text: "positive", in: limits{time: -5}},
		{rule: "3.5 too much memory", text: "available: 256 MiB, asked for: 100000 MiB", in: limits{memory: 100000}},
		{rule: "3.5 no network", text: "network", change: func(j *wire.ClientNewJob) { j.Parameters = wire.Raw("\x81\xafnetwork_grading\xc3") }},
		{rule: "4.11 no SSH", text: "SSH", change: func(j *wire.ClientNewJob) { j.Debug = wire.DebugSSH }},
		{rule: "3.5 create failed", text: "Cannot create the container", env: "user"},
		{rule: "3.5 create failed without a task", text: "Cannot create the container", env: "user", change: func(j *wire.ClientNewJob) {
			j.CourseID, j.TaskID = wire.Nullable{Null: true}, wire.Nullable{Null: true}
		}},
		{rule: "3.5 code for a quiz", text: "configured as MCQ", change: func(j *wire.ClientNewJob) {
			j.EnvironmentType, j.Environment = mcq.Environment, mcq.Environment
			j.TaskProblems = wire.Raw("\x81\xa1q\x81\xa4type\xa4code")
			j.InputData = append(wire.Raw{j.InputData[0] + 1}, append(j.InputData[1:], "\xa1q\xa1x"...)...)
		}},
		{rule: "3.2 no submission", text: "submission", change: func(j *wire.ClientNewJob) { j.InputData = wire.Raw("\x82\xa6@state\xa6before\x01\x02") }},
	}
	for i := range rows {
		rows[i].status, rows[i].kept = "crash", true
	}
	return rows
}

// refuseWithoutPlace submits a row while the agent has no place for jobs. None may
// be there, nor be cleaned up.
func (r *rig) refuseWithoutPlace(t *testing.T, row row) {
	t.Helper()
	jobs := filepath.Join(r.state, "jobs")
	if err := os.Rename(jobs, jobs+".away"); err != nil {
		t.Fatal(err)
	}
	job := r.submission(row)
	r.send(job)
	row.compare(t, r.done(job.JobID))
	if err := os.Rename(jobs+".away", jobs); err != nil {
		t.Fatal(err)
	}
}

// lose submits a row and kills the shim of the last of its containers, once they
// all run. Nobody then knows how that one ended. Nothing of the job is left.
func (r *rig) lose(t *testing.T, row row, containers ...string) {
	t.Helper()
	job := r.submission(row)
	gone := r.said.expect(1, "to=gone", job.JobID)
	r.send(job)
	r.awaitStarts(t, len(containers))
	if err := r.killShim(containers[len(containers)-1]); err != nil {
		t.Fatal(err)
	}
	row.compare(t, r.done(job.JobID))
	gone(t)
}

// failStart submits a row and kills the shim of its grader when that is made,
// before it starts.
func (r *rig) failStart(t *testing.T, row row) {
	t.Helper()
	killed := make(chan error, 1)
	r.made <- func() { killed <- r.killShim("grader") }
	job := r.submission(row)
	r.send(job)
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	row.compare(t, r.done(job.JobID))
	r.awaitStarts(t, 1)
}

// forgetful lists an image, for an environment "forgotten", that is not there.
type forgetful struct{ sandbox.Runtime }

func (f forgetful) Images(ctx context.Context, label string) ([]sandbox.Image, error) {
	all, err := f.Runtime.Images(ctx, label)
	for _, im := range slices.Clone(all) {
		im.Ref, im.Labels = "ingot.test/forgotten:latest", maps.Clone(im.Labels)
		im.Labels[images.LabelName] = "forgotten"
		all = append(all, im)
	}
	return all, err
}
