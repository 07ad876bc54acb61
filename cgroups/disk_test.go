package cgroups

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A partition is limited as the disk that it is on.
func TestDiskOf(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sda/dev": "8:0\n", "sda/sda1/dev": "8:1\n", "sda/sda1/partition": "1\n", "dm/dev": "254:3\n",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for device, target := range map[string]string{"8:0": "sda", "8:1": "sda/sda1", "254:3": "dm"} {
		if err := os.Symlink(target, filepath.Join(dir, device)); err != nil {
			t.Fatal(err)
		}
	}
	for device, want := range map[string]Disk{"8:0": "8:0", "8:1": "8:0", "254:3": "254:3"} {
		if got, err := diskOf(dir, device, "/x"); got != want || err != nil {
			t.Errorf("%s is on %q, %v; want %s", device, got, err, want)
		}
	}
	if _, err := diskOf(dir, "0:33", "/x"); !errors.Is(err, ErrHost) {
		t.Errorf("no disk: %v", err)
	}
	if _, err := DiskOf("/proc"); !errors.Is(err, ErrHost) {
		t.Errorf("proc: %v", err)
	}
}
