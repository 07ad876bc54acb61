//go:build native

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	private "github.com/ingot-grading/ingot/testenv/native"
	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// ownDaemon starts a containerd for rigs that a test may end as it likes.
func ownDaemon(t *testing.T) *private.Daemon {
	t.Helper()
	tier.Require(t, tier.Native)
	dir, err := os.MkdirTemp("/run/containerd", "own-")
	if err != nil {
		t.Fatal(err)
	}
	d, err := private.Start(t.Context(), private.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(d.Stop(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("CONTAINERD_ADDRESS", d.Address())
	return d
}

// Jobs go on while containerd is restarted.
func TestContainerdRestarts(t *testing.T) {
	d := ownDaemon(t)
	p := startProcess(t)
	p.task("slow", `run_student sleep 2 && feedback-result success`)
	idle := p.inventory(t)
	jobs := map[string]bool{p.submit("slow"): true, p.submit("slow"): true}
	p.students(2)
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, status := range p.results(jobs) {
		if status != "success" {
			t.Errorf("%s: %s", id, status)
		}
	}
	p.sound(t, 2, idle)
}

// Whatever jobs are doing when containerd crashes, and although the events of
// what ends meanwhile are lost, each has one result, and nothing is left.
func TestContainerdDies(t *testing.T) {
	d := ownDaemon(t)
	p := startProcess(t)
	p.task("short", `feedback-result success`)
	p.task("half", `run_student sleep 0.5; feedback-result success`)
	idle := p.inventory(t)
	n := 0
	for _, phase := range []string{"preparing", "running", "draining"} {
		jobs := map[string]bool{p.submit("half"): true, p.submit("short"): true, p.submit("half"): true}
		p.await(2, func(e entry) bool { return jobs[e.Job] && e.To == phase })
		if err := d.Kill(); err != nil {
			t.Fatal(err)
		}
		<-time.After(800 * time.Millisecond) // what runs ends, and nobody sees it
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for id, status := range p.results(jobs) {
			if status != "success" && !strings.HasPrefix(status, "crash") {
				t.Errorf("killed when %s, %s: %s", phase, id, status)
			}
		}
		n += len(jobs)
		p.gone(n)
	}
	p.sound(t, n, idle)
}

// A container that is never made costs its job a result, and no other job
// anything.
func TestCreateHangs(t *testing.T) {
	dir := t.TempDir()
	crun, err := exec.LookPath("crun")
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\ncase \"$*\" in *' create '*) test ! -e " + dir + "/hang || exec sleep 1000;; esac\nexec " + crun + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "crun"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	ownDaemon(t)
	p := startProcess(t, "--watchdog", "10s")
	p.task("ok", `feedback-result success`)
	p.task("slow", `sleep 15; feedback-result success`)
	idle := p.inventory(t)
	slow := p.submit("slow")
	p.running(1)
	hang := filepath.Join(dir, "hang")
	if err := os.WriteFile(hang, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	stuck := p.submit("ok")
	if got := p.results(map[string]bool{slow: true, stuck: true}); got[slow] != "success" || got[stuck] != "crash Cannot create the container." {
		t.Errorf("got %v; want success of %s and crash of %s", got, slow, stuck)
	}
	if err := os.Remove(hang); err != nil {
		t.Fatal(err)
	}
	p.sound(t, 2, idle)
}

// A job whose grader loses its shim ends with one result; a job whose student
// does goes on.
func TestShimDies(t *testing.T) {
	p := startProcess(t)
	p.task("grader", `sleep 1000`)
	p.task("student", `run_student sleep 1000; code=$?; test $code = 255 || feedback -r failed -f "code $code"; feedback-result success`)
	idle := p.inventory(t)
	id := p.submit("grader")
	p.running(1)
	if err := p.killShim("grader"); err != nil {
		t.Fatal(err)
	}
	if got := p.results(map[string]bool{id: true}); got[id] != "crash" {
		t.Errorf("a grader without its shim: %s, want crash", got[id])
	}
	id = p.submit("student")
	p.students(1)
	if err := p.killShim("s1"); err != nil {
		t.Fatal(err)
	}
	if got := p.results(map[string]bool{id: true}); got[id] != "success" {
		t.Errorf("a student without its shim: %s, want success", got[id])
	}
	p.sound(t, 2, idle)
}
