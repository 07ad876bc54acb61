//go:build native

package e2e

import (
	"net"
	"testing"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/wire"
)

// unguarded is an agent whose kernel takes no programs.
func unguarded(cfg *grade.Config) { cfg.Guards = nil }

// Only jobs that ask for a network have one, and it leads outside.
func TestNetwork(t *testing.T) {
	onMachine(t, nil, func(t *testing.T) {
		r := start(t, "crun", connected(t, network.Range{}))
		call := `timeout 20 wget -q -O - http://` + neighbourAddr + ":" + neighbourPort + `/`
		r.task("call", `
said=$(`+call+`); feedback-msg -m "$said"
grep -q "$(hostname)" /etc/hosts && feedback-result success || feedback-result failed`)
		if done := r.grade(r.networked("call", "docker", "demo")); done.Status != "success" || done.Text != greeting {
			t.Errorf("with a network: %s %q", done.Status, done.Text)
		}
		if done := r.grade(r.job("call", limits{})); done.Status != "failed" || done.Text != "" {
			t.Errorf("without: %s %q", done.Status, done.Text)
		}
		r.task("students", `
mkdir -p student; echo '`+call+`' > student/call
feedback-msg -m "$(run_student sh student/call)/$(run_student --share-network sh student/call)"
feedback-result success`)
		if done := r.grade(r.networked("students", "docker", "demo")); done.Status != "success" || done.Text != "/"+greeting {
			t.Errorf("students without and with the grader's network: %s %q", done.Status, done.Text)
		}
		job := r.networked("call", "docker", "demo")
		r.send(job)
		r.started(job.JobID) // and being connected now; what is left of that is seen at the end
		r.send(&wire.ClientKillJob{JobID: job.JobID})
		if done := r.done(job.JobID); done.Status != "killed" {
			t.Errorf("killed while it was connected: %s %q", done.Status, done.Text)
		}
	})
}

// In debugger mode every job has a network, and knows and reaches the machine by
// a name.
func TestDebugger(t *testing.T) {
	onMachine(t, nil, func(t *testing.T) {
		l, err := net.Listen("tcp", ":"+neighbourPort)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go greet(l)
		r := start(t, "crun", func(cfg *grade.Config) { cfg.Debugger = true }, connected(t, network.Range{}))
		r.task("look", `
feedback-msg -m "$DEBUGGER $(ls /sys/class/net | tr '\n' ' ')$(grep host.docker.internal /etc/hosts | cut -f 1)
$(timeout 20 wget -q -O - http://host.docker.internal:`+neighbourPort+`/)$(timeout 20 wget -q -O - http://`+machineAddr+":"+neighbourPort+`/)"
feedback-result success`)
		if done := r.grade(r.job("look", limits{})); done.Text != "True eth0 lo 10.217.0.1\n"+greeting {
			t.Errorf("got %s %q", done.Status, done.Text)
		}
	})
}

// What programs on cgroups do not see, because the kernel takes none or the
// container has a kernel of its own, is refused as soon as it leaves the job.
func TestJobsAreGuardedByRules(t *testing.T) {
	onMachine(t, nil, func(t *testing.T) {
		l, err := net.Listen("tcp", ":"+neighbourPort)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for runtime, change := range map[string]func(*grade.Config){
			"crun":  unguarded,
			"runsc": onGVisor(t),
		} {
			t.Run(runtime, func(t *testing.T) {
				r := start(t, runtime, connected(t, network.Range{}), change)
				r.task("reach", `
try() { timeout 20 wget -q -O - "http://$1:`+neighbourPort+`/" 2>&1 | sed "s/.*: //"; }
feedback-msg -m "$(try `+machineAddr+`)/$(try 10.217.0.1)/$(try `+neighbourAddr+`)"; feedback-result success`)
				const refused = "Connection refused/"
				if done := r.grade(r.networked("reach", r.kind, "demo")); done.Text != refused+refused+greeting {
					t.Errorf("got %s %q", done.Status, done.Text)
				}
			})
		}
	})
}

// A job with a network is told at once what it may not reach: this machine by
// any of its addresses, other jobs, what belongs to a link. Its students are,
// too. What it is refused and what it sent is counted.
func TestJobsAreGuarded(t *testing.T) {
	onMachine(t, nil, func(t *testing.T) {
		l, err := net.Listen("tcp", ":"+neighbourPort)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r := start(t, "crun", connected(t, network.Range{}))
		r.task("reach", `
try() { timeout 20 wget -q -O - "http://$1:`+neighbourPort+`/" 2>&1 | sed "s/.*: //"; }
own=$(grep "$(hostname)" /etc/hosts | cut -f 1)
for a in `+machineAddr+` 10.217.0.1 10.217.0.250 169.254.169.254 100.100.100.200 127.0.0.1 "$own"; do
	said="$said$(try "$a")/"
done
mkdir -p student; echo 'timeout 20 wget -q -O - "http://`+machineAddr+`:`+neighbourPort+`/" 2>&1 | sed "s/.*: //"' > student/call
feedback-msg -m "$said$(try `+neighbourAddr+`)/$(run_student --share-network sh student/call)"
feedback-result success`)
		done, used := r.gradeAndMeasure(r.networked("reach", "docker", "demo"))
		const no, refused = "Operation not permitted/", "Connection refused/"
		if want := no + no + no + no + no + refused + refused + greeting + "/" + "Operation not permitted"; done.Text != want {
			t.Errorf("got %s %q, want %q", done.Status, done.Text, want)
		}
		if used.Denied != 6 || used.Sent == 0 {
			t.Errorf("used %+v; want 6 denied", used)
		}
	})
}
