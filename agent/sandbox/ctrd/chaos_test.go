//go:build native

package ctrd

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/testenv/native"
)

// ownDaemon starts a containerd that a test may end as it likes.
func ownDaemon(t *testing.T) (*native.Daemon, Config) {
	t.Helper()
	cfg := config(t)
	dir, err := os.MkdirTemp("/run/containerd", "own-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	d, err := native.Start(t.Context(), native.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	cfg.Address = d.Address()
	return d, cfg
}

func mustExit(t *testing.T, c sandbox.Container) sandbox.Exit {
	t.Helper()
	select {
	case e, ok := <-c.Exited():
		if !ok {
			t.Fatal("no exit")
		}
		return e
	case <-time.After(time.Minute):
		t.Fatal("the exit is not told")
	}
	return sandbox.Exit{}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lines hands on what is logged.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// await waits for a line with the text.
func (l lines) await(t *testing.T, text string) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case line := <-l:
			if strings.Contains(line, text) {
				return
			}
		case <-late:
			t.Fatalf("%q is not logged", text)
		}
	}
}

// A restart of containerd interrupts nothing: the container goes on, its streams
// too, and its end is told. Operators read of both ends of the interruption.
func TestRestartWhileRunning(t *testing.T) {
	d, cfg := ownDaemon(t)
	logged := make(lines, 100)
	cfg.Log = slog.New(slog.NewTextHandler(logged, nil))
	r := withImage(t, connect(t, cfg))
	c := probe(t, r, handlers["crun"], "cat")
	must(t, c.Start(t.Context()))
	echo := func(text string) {
		t.Helper()
		if _, err := io.WriteString(c.Stdio().Stdin, text); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(c.Stdio().Stdout, got); err != nil || string(got) != text {
			t.Fatalf("echo of %q: %q, %v", text, got, err)
		}
	}
	echo("before")
	<-r.Changes() // of the import
	must(t, d.Restart(t.Context()))
	echo("after")
	logged.await(t, "containerd is lost")
	logged.await(t, "containerd answers again")
	<-r.Changes() // who knows what happened meanwhile
	must(t, c.Stdio().Stdin.Close())
	if e := mustExit(t, c); e.Err != nil || e.Code != 0 {
		t.Errorf("exit %+v, want code 0", e)
	}
}

// An exit that no containerd was there to see is told when there is one again:
// by its code or, as containerd from 1.7 on forgets what ended without it, as lost.
func TestExitWhileDown(t *testing.T) {
	d, cfg := ownDaemon(t)
	r := withImage(t, connect(t, cfg))
	c := probe(t, r, sandbox.Handler{}, "line", "42")
	must(t, c.Start(t.Context()))
	must(t, d.Kill())
	if _, err := io.WriteString(c.Stdio().Stdin, "end\n"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c.Stdio().Stdout); err != nil || len(rest) > 0 { // its end is that of the process
		t.Fatalf("output %q, %v", rest, err)
	}
	must(t, d.Run(t.Context()))
	if e := mustExit(t, c); e.Err == nil && e.Code != 42 {
		t.Errorf("exit %+v, want code 42 or a lost container", e)
	}
}

// What is asked for while containerd is down is done when it is back.
func TestAskWhileDown(t *testing.T) {
	d, cfg := ownDaemon(t)
	r := withImage(t, connect(t, cfg))
	running := probe(t, r, handlers["crun"], "hang")
	must(t, running.Start(t.Context()))
	must(t, d.Kill())

	deleted, created := make(chan error, 1), make(chan error, 1)
	go func() { deleted <- running.Delete(t.Context()) }()
	go func() {
		c, err := r.Create(t.Context(), sandbox.Spec{ID: "patient", Image: probeImage, OCI: bareSpec("/usr/bin/true")})
		if err == nil {
			err = c.Delete(t.Context())
		}
		created <- err
	}()
	must(t, d.Run(t.Context()))
	must(t, <-deleted)
	must(t, <-created)
	if e := mustExit(t, running); e.Err == nil && e.Code != 137 {
		t.Errorf("exit %+v, want 137", e)
	}
}

// A container that loses its shim is lost, is told so, and leaves nothing.
func TestShimKilled(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	c := probe(t, r, sandbox.Handler{}, "hang")
	must(t, c.Start(t.Context()))
	must(t, r.killShim(t.Context(), c.ID()))
	if e := mustExit(t, c); e.Err == nil {
		t.Errorf("exit %+v, want one that says the container was lost", e)
	}
	must(t, c.Kill(t.Context()))
	must(t, c.Delete(t.Context()))
	if found := left(t.Context(), r); len(found) > 0 {
		t.Errorf("left behind: %q", found)
	}
}

// Nor does one whose shim died a moment ago, which containerd may not know yet.
func TestDeleteOfDeadShim(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	for range 10 {
		c := probe(t, r, sandbox.Handler{}, "hang")
		must(t, r.killShim(t.Context(), c.ID()))
		must(t, c.Delete(t.Context()))
	}
	if found := left(t.Context(), r); len(found) > 0 {
		t.Errorf("left behind: %q", found)
	}
}

// A shim that hangs cannot keep a container from being deleted.
func TestShimHangs(t *testing.T) {
	cfg := config(t)
	cfg.Watchdog = 5 * time.Second // enough for the steps that do not hang
	r := withImage(t, connect(t, cfg))
	c := probe(t, r, sandbox.Handler{}, "hang")
	must(t, c.Start(t.Context()))
	must(t, unix.Kill(shimPID(t, r, c.ID()), unix.SIGSTOP))
	if err := c.Kill(t.Context()); !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("kill: %v, want it of class ErrUnavailable", err)
	}
	must(t, c.Delete(t.Context()))
	if e := mustExit(t, c); e.Err == nil {
		t.Errorf("exit %+v, want one that says the container was lost", e)
	}
}

func shimPID(t *testing.T, r *Runtime, id string) int {
	t.Helper()
	pids, err := r.shims(id)
	if err != nil || len(pids) != 1 {
		t.Fatalf("shims %v, %v; want one", pids, err)
	}
	return pids[0]
}

// A runtime that hangs makes Create fail, and leaves nothing.
func TestRuntimeHangs(t *testing.T) {
	cfg := config(t)
	cfg.Watchdog = 5 * time.Second // enough for the steps that do not hang
	r := withImage(t, connect(t, cfg))
	slow := filepath.Join(t.TempDir(), "slow-runc")
	script := "#!/bin/sh\ncase \"$*\" in *' create '*) exec sleep 1000;; esac\nexec runc \"$@\"\n"
	must(t, os.WriteFile(slow, []byte(script), 0o700))
	c, err := r.Create(t.Context(), sandbox.Spec{
		ID: "slow", Image: probeImage, Handler: sandbox.Handler{Binary: slow}, OCI: bareSpec("/usr/bin/true"),
	})
	if err == nil {
		must(t, c.Delete(t.Context()))
		t.Fatal("created by a runtime that hangs")
	}
	if !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("error %v, want it of class ErrUnavailable", err)
	}
	if pids, err := r.shims("slow"); err != nil || len(pids) > 0 {
		t.Errorf("shims %v, %v; want none", pids, err)
	}
}

// crashEnv makes the test binary a process that leaves containers behind.
const crashEnv = "INGOT_TEST_LEAVE_BEHIND"

// What a killed process leaves is swept by the next one.
func TestSweepAfterCrash(t *testing.T) {
	cfg := config(t)
	if ns := os.Getenv(crashEnv); ns != "" {
		leaveBehind(t, cfg, ns)
	}
	r := withImage(t, connect(t, cfg))
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestSweepAfterCrash$")
	cmd.Env = append(os.Environ(), crashEnv+"="+cfg.Namespace+" "+cfg.FIFODir, "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, errors.Join(err, cmd.Process.Kill()))
	if err := cmd.Wait(); err == nil || line != "left\n" {
		t.Fatalf("it said %q and ended with %v", line, err)
	}

	bystander := probe(t, r, sandbox.Handler{}, "hang")
	must(t, bystander.Start(t.Context()))
	n, err := r.Sweep(t.Context(), map[string]string{"life": "earlier"})
	if n != 3 || err != nil {
		t.Errorf("swept %d, %v; want 3", n, err)
	}
	must(t, bystander.Kill(t.Context())) // it was not swept
	if e := mustExit(t, bystander); e.Code != 137 {
		t.Errorf("exit %+v, want 137", e)
	}
}

// leaveBehind makes a container that only exists, one that runs and one that
// has ended, and waits to be killed.
func leaveBehind(t *testing.T, cfg Config, where string) {
	namespace, fifos, _ := strings.Cut(where, " ")
	cfg.Namespace, cfg.FIFODir, cfg.Log = namespace, fifos, slog.New(slog.DiscardHandler)
	r, err := Connect(t.Context(), cfg)
	must(t, err)
	for id, args := range map[string][]string{"idle": nil, "running": {"hang"}, "ended": {"exit", "0"}} {
		c, err := r.Create(t.Context(), sandbox.Spec{
			ID: id, Image: probeImage, OCI: probeSpec(append(args, "hang")...), Labels: map[string]string{"life": "earlier"},
		})
		must(t, err)
		if args != nil {
			must(t, c.Start(t.Context()))
		}
		if id == "ended" {
			mustExit(t, c)
		}
	}
	if _, err := os.Stdout.WriteString("left\n"); err != nil {
		t.Fatal(err)
	}
	<-t.Context().Done() // the kill comes first
}
