package native

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/testenv/apt"
)

func TestExitStatus(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -9 $$": 137} {
		if got, err := exitStatus(exec.Command("sh", "-c", script).Run()); got != want || err != nil {
			t.Errorf("%s: %d, %v; want %d", script, got, err, want)
		}
	}
	if _, err := exitStatus(exec.Command("/no/such/program").Run()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such program: %v", err)
	}
}

func TestStageOfOthers(t *testing.T) {
	if status, ok := Stage(); ok {
		t.Errorf("a test was taken for a stage, with status %d", status)
	}
}

func TestRemoveGroup(t *testing.T) {
	top := filepath.Join(t.TempDir(), "top")
	if err := os.MkdirAll(filepath.Join(top, "a", "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := removeGroup(top); err != nil {
		t.Error(err)
	}
	if err := removeGroup(top); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("removed again: %v", err)
	}
}

// Only the notice of readiness is one, and a daemon that ends sends none.
func TestAwaitReady(t *testing.T) {
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "n"), Net: "unixgram"}
	notices, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		t.Fatal(err)
	}
	ready, returned := make(chan struct{}), make(chan struct{})
	go func() {
		awaitReady(notices, ready)
		close(returned)
	}()
	daemon, err := net.DialUnix("unixgram", nil, addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, notice := range []string{"STATUS=loading", "STATUS=serving\nREADY=1"} {
		if _, err := daemon.Write([]byte(notice)); err != nil {
			t.Fatal(err)
		}
	}
	<-ready
	<-returned
	if err := errors.Join(daemon.Close(), notices.Close()); err != nil {
		t.Error(err)
	}
	awaitReady(notices, make(chan struct{})) // closed: returns
}

// What is not there is named, in the order of the list.
func TestMissingTools(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "runc"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	err := Install(t.Context(), t.Output())
	if !errors.Is(err, apt.ErrMissing) || !strings.Contains(err.Error(), "install containerd crun e2fsprogs,") {
		t.Errorf("without a package manager: %v", err)
	}
	for _, tool := range tools {
		if err := os.WriteFile(filepath.Join(bin, tool.program), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := Install(t.Context(), t.Output()); err != nil {
		t.Errorf("with all on the PATH: %v", err)
	}
}

// Of gVisor's shim exactly one thing is changed, or nothing is built.
func TestSpareCapability(t *testing.T) {
	file := filepath.Join(t.TempDir(), "service.go")
	for text, good := range map[string]bool{"const (\n\t" + shimAsks + "\n)": true, "const x = 1": false, shimAsks + "\n" + shimAsks: false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := spareCapability(file)
		got, _ := os.ReadFile(file)
		if changed := strings.Contains(string(got), shimAsksNot); changed != good || (err == nil) != good {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
}
