//go:build vm

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// runUnit starts the agent as the service that it is in production, but for its
// arguments, and stops it with the test.
func (p *process) runUnit(log *slog.Logger, args []string) {
	t := p.t
	path, err := filepath.Abs(program)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/" + unit)
	if err != nil {
		t.Fatal(err)
	}
	const dir = "/run/systemd/system/"
	change := fmt.Sprintf("[Service]\nExecStart=\nExecStart=%s %s\n", path, strings.Join(args, " "))
	for name, text := range map[string]string{unit: string(text), unit + ".d/test.conf": change} {
		if err := os.MkdirAll(filepath.Dir(dir+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	systemctl(t, "daemon-reload")
	follow, stop := context.WithCancelCause(context.WithoutCancel(t.Context()))
	now := fmt.Sprintf("@%.6f", float64(time.Now().UnixMicro())/1e6) // what is said before journalctl looks counts too
	journal := exec.CommandContext(follow, "journalctl", "--follow", "--lines=all", "--since="+now, "--output=cat", "--unit="+unit)
	out, err := journal.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := journal.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out, log.With("at", "unit"))
	t.Cleanup(func() {
		systemctl(t, "stop", unit)
		stop(context.Canceled)
		_ = journal.Wait() // it was killed
		for _, path := range []string{dir + unit, dir + unit + ".d"} {
			if err := os.RemoveAll(path); err != nil {
				t.Error(err)
			}
		}
		systemctl(t, "daemon-reload")
		p.nothingLeft()
	})
	systemctl(t, "start", unit)
}

func systemctl(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("systemctl", args...).CombinedOutput(); err != nil {
		t.Fatalf("systemctl %v: %v: %s", args, err, out)
	}
}

// The agent's unit lets it do what it has to: jobs with limits, which have a result
// when containerd is restarted or crashes, when a shim dies and when a container
// is never made; networks and programs in the kernel; and a name for whoever is
// killed for want of memory.
func TestUnit(t *testing.T) {
	tier.Require(t, tier.VM)
	p := startBy(t, (*process).runUnit, []string{"--watchdog", "40s"})
	idle := p.inventory(t)
	p.restartContainerd(t)
	p.crashContainerd(t)
	if lives := len(p.await(1, func(e entry) bool { return e.Msg == "serving HTTP" })); lives != 1 {
		t.Errorf("the agent was started %d times, want once: it is not to end with containerd", lives)
	}
	p.loseGrader(t)
	p.eatMemory(t, p.hangCreate(t))
	p.sound(t, 6, idle)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.said {
		if e.Msg == "the kernel takes no programs" || e.Msg == "jobs that need a network, ports or SSH are refused" {
			t.Errorf("%s: %s", e.Msg, e.Err)
		}
	}
}

// restartContainerd does so while students of two jobs run.
func (p *process) restartContainerd(t *testing.T) {
	t.Helper()
	p.task("slow", `run_student sleep 10; feedback-result success`)
	jobs := map[string]bool{p.submit("slow"): true, p.submit("slow"): true}
	p.students(2)
	systemctl(t, "restart", "containerd")
	p.haveEnded(t, "containerd restarted", jobs)
	p.gone(2) // and their shims
}

// crashContainerd does so while a job runs that ends before systemd starts
// containerd again: the event of its end is lost.
func (p *process) crashContainerd(t *testing.T) {
	t.Helper()
	p.task("short", `sleep 2; feedback-result success`)
	jobs := map[string]bool{p.submit("short"): true}
	p.running(3)
	systemctl(t, "kill", "--kill-whom=main", "--signal=KILL", "containerd")
	p.haveEnded(t, "containerd crashed", jobs)
	p.gone(3)
}

// haveEnded sees that each job has a result.
func (p *process) haveEnded(t *testing.T, when string, jobs map[string]bool) {
	t.Helper()
	for id, status := range p.results(jobs) {
		// A busy machine's shims may not answer containerd for the five seconds
		// after which it gives them up.
		if status != "success" && !strings.HasPrefix(status, "crash") {
			t.Errorf("%s, %s: %s", when, id, status)
		}
	}
}

// hangCreate submits a job whose grading container is never made, and returns its
// id once the runtime hangs. The next ones are made.
func (p *process) hangCreate(t *testing.T) (job string) {
	t.Helper()
	dir := t.TempDir()
	hangs, once := filepath.Join(dir, "hangs"), filepath.Join(dir, "once")
	if err := unix.Mkfifo(hangs, 0o600); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\ncase \"$*\" in *' create '*) if mkdir " + once + "; then echo >" + hangs + "; exec sleep 1000; fi;; esac\nexec /usr/bin/crun \"$@\"\n"
	const first = "/usr/local/bin/crun" // in containerd's PATH
	if err := os.WriteFile(first, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(first); err != nil {
			t.Error(err)
		}
	})
	job = p.submit("short")
	if _, err := os.ReadFile(hangs); err != nil { // waits for the writer
		t.Fatal(err)
	}
	return job
}

// loseGrader ends a grading container's shim.
func (p *process) loseGrader(t *testing.T) {
	t.Helper()
	p.task("lost", `sleep 1000`)
	lost := p.submit("lost")
	p.running(4)
	if err := p.killShim("grader"); err != nil {
		t.Fatal(err)
	}
	if got := p.results(map[string]bool{lost: true}); got[lost] != "crash" {
		t.Errorf("a grader without its shim: %s, want crash", got[lost])
	}
}

// eatMemory lets a job have more than its memory, and the kernel say who had it,
// while another's container is not made.
func (p *process) eatMemory(t *testing.T, stuck string) {
	t.Helper()
	p.task("eater", `feedback-result success; x=0123456789abcdef; while :; do x=$x$x; done`)
	eater := p.submit("eater")
	if got := p.results(map[string]bool{eater: true, stuck: true}); got[eater] != "overflow" || got[stuck] != "crash Cannot create the container." {
		t.Errorf("got %v; want overflow of %s, and of %s that its container was not made", got, eater, stuck)
	}
	ended := p.await(1, func(e entry) bool { return e.Msg == "container ended" && e.Victim != "" })
	if ended[0].Victim != "sh" && ended[0].Victim != "bash" && ended[0].Victim != "run" {
		t.Errorf("killed: %q, want the script's shell", ended[0].Victim)
	}
}
