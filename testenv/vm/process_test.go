package vm

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProcessEnds(t *testing.T) {
	p, err := startProcess(exec.Command("false"), true)
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	if _, ok := errors.AsType[*exec.ExitError](p.err); !ok {
		t.Errorf("false ended with %v", p.err)
	}
	p.kill() // after the end
	if p, err = startProcess(exec.Command("sleep", "1000"), true); err != nil {
		t.Fatal(err)
	}
	p.stop()
	p.stop()
	if _, err := startProcess(exec.Command("/none"), false); err == nil {
		t.Error("a program that is not there was started")
	}
}

func TestCommandEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	ready := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(ready, 0o600); err != nil {
		t.Fatal(err)
	}
	why := errors.New("why")
	go func() {
		_, _ = os.ReadFile(ready) // returns once the shell has opened and closed it
		cancel(why)
	}()
	err := command(ctx, []string{"READY=" + ready}, "sh", "-c", `: >"$READY"; sleep 1000 & wait`)
	if !errors.Is(err, why) {
		t.Errorf("error %v, want the cause", err)
	}
}

// keepSleeper makes a run directory whose process is a sleeping program.
func keepSleeper(t *testing.T, name string) (dir string, p *process) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "run", "kept")
	write(t, filepath.Join(dir, overlayName), "")
	lock, ok := tryLock(filepath.Join(dir, lockName))
	if !ok {
		t.Fatal("a new lock is taken")
	}
	defer lock.Close()
	cmd := exec.Command("sh", "-c", `while read -r _; do :; done`, name)
	cmd.ExtraFiles = []*os.File{lock}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p, err = startProcess(cmd, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		_ = stdin.Close()
	})
	if err := saveRecord(dir, image{}, record{Name: "ingot-vm-1", PID: p.pid, Port: 1}); err != nil {
		t.Fatal(err)
	}
	return dir, p
}

func TestKeptMachineIsEndedByItsRecord(t *testing.T) {
	dir, p := keepSleeper(t, "ingot-vm-1")
	if _, err := runningRecord(dir); err != nil {
		t.Fatalf("it runs: %v", err)
	}
	if err := endKept(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if _, err := os.Stat(dir); err == nil {
		t.Error("its directory is left")
	}
	if err := endKept(t.Context(), dir); !errors.Is(err, ErrNotUp) {
		t.Errorf("a second end: %v", err)
	}
}

func TestAStrangersProcessIsNotEnded(t *testing.T) {
	dir, p := keepSleeper(t, "another program under the same pid")
	if err := endKept(t.Context(), dir); err == nil {
		t.Error("a process that is not the machine was taken for it")
	}
	select {
	case <-p.done:
		t.Error("it was ended")
	default:
	}
}

func TestDeadMachineIsNotUp(t *testing.T) {
	dir, p := keepSleeper(t, "ingot-vm-1")
	p.stop()
	if _, err := runningRecord(dir); !errors.Is(err, ErrNotUp) {
		t.Errorf("its process is gone: %v", err)
	}
	cfg := Config{Cache: filepath.Dir(filepath.Dir(dir))}
	if _, err := Attach(t.Context(), cfg); !errors.Is(err, ErrNotUp) {
		t.Errorf("attach: %v", err)
	}
	b := base{cfg: cfg}
	if err := b.sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("its directory is left after a sweep")
	}
}

func TestLockIsHandedOnAndGivenUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	log := slog.New(slog.DiscardHandler)
	first, err := lockFile(t.Context(), path, unix.LOCK_EX, log)
	if err != nil {
		t.Fatal(err)
	}
	if _, free := tryLock(path); free {
		t.Fatal("two hold it")
	}
	short, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, ErrSilent)
	defer cancel()
	if _, err := lockFile(short, path, unix.LOCK_EX, log); !errors.Is(err, ErrSilent) {
		t.Errorf("a wait that was given up: %v", err)
	}
	got := make(chan error, 1)
	go func() {
		second, err := lockFile(context.WithoutCancel(t.Context()), path, unix.LOCK_SH, log)
		if err == nil {
			err = second.Close()
		}
		got <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("the next in line: %v", err)
	}
}
