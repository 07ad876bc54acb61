package vm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const recordName = "machine.json"

// record says how to reach a machine and which process it is. It lies in the
// machine's run directory, with the keys, so that it outlives the image.
type record struct {
	Name string `json:"name"` // in the arguments of QEMU's process
	PID  int    `json:"pid"`
	Port int    `json:"port"`
	// Ready is false from QEMU's start until the guest has answered.
	Ready bool `json:"ready"`
}

// saveRecord writes r and, if img is one, copies its keys.
func saveRecord(dir string, img image, r record) error {
	if img.dir != "" {
		for _, name := range []string{clientKey, hostKey} {
			b, err := os.ReadFile(img.path(name))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
			}
			if err != nil {
				return fmt.Errorf("copy a key: %w", err)
			}
		}
	}
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write down the machine: %w", err)
	}
	path := filepath.Join(dir, recordName)
	if err := os.WriteFile(path+".part", b, 0o644); err != nil {
		return fmt.Errorf("write down the machine: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("write down the machine: %w", err)
	}
	return nil
}

// loadRecord reads what saveRecord wrote; ErrNotUp if there is nothing.
func loadRecord(dir string) (record, error) {
	b, err := os.ReadFile(filepath.Join(dir, recordName))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, ErrNotUp
	}
	if err != nil {
		return record{}, fmt.Errorf("read the kept machine's record: %w", err)
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return record{}, fmt.Errorf("read the kept machine's record: %w", err)
	}
	return r, nil
}
