package cgroups

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Processes of another pid namespace have no number here. To signal 0 or -1
// would be to signal many others.
func TestOnlySingleProcessesAreSignalled(t *testing.T) {
	for _, text := range []string{"0", "-1", "-2", "", "x", "99999999999999999999"} {
		if pid, err := readPID(text); !errors.Is(err, errSyntax) {
			t.Errorf("%q: got %d, %v", text, pid, err)
		}
	}
	if pid, err := readPID("42"); pid != 42 || err != nil {
		t.Errorf("got %d, %v", pid, err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeRoom(dir); !errors.Is(err, ErrHost) {
		t.Errorf("room is made of strangers: %v", err)
	}
}
