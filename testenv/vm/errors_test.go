package vm

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestTailIsWhatTheConsoleShows(t *testing.T) {
	const said = "[\x1b[0;32m  OK  \x1b[0m] Started one\r\n\r\nwaiting (1s)\r\n\x1bM\x1b[Kwaiting (2s)\r\n\x1bM\x1b[Klast\r\n"
	if got, want := tail(said, 2), "    [  OK  ] Started one\n    last"; got != want {
		t.Errorf("tail is %q, want %q", got, want)
	}
	if got := tail("\x1bMfirst\n", 5); got != "    first" {
		t.Errorf("tail is %q", got)
	}
	if got := tail("", 5); got != "" {
		t.Errorf("tail of nothing is %q", got)
	}
}

func TestBootErrorKeepsTheLogs(t *testing.T) {
	dir := t.TempDir()
	saved := filepath.Join(dir, "saved")
	if err := newBootError(ErrDied, dir, saved); !errors.Is(err, ErrDied) {
		t.Errorf("without logs: %v", err)
	}
	write(t, filepath.Join(dir, qemuLog), "from qemu\n")
	write(t, filepath.Join(dir, consoleLog), "from the guest\n")
	boot, ok := errors.AsType[*BootError](newBootError(ErrDied, dir, saved))
	if !ok || !errors.Is(boot, ErrDied) || boot.Log != saved || boot.Tail != "    from qemu\n    from the guest" {
		t.Errorf("with logs: %+v", boot)
	}
}
