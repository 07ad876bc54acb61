package vm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

const sealName = "sizes.json"

// seal notes the size of each file in dir, so that a copy cut short by a full
// disk is told from a whole one.
func seal(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	sizes := map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("seal: %w", err)
		}
		if info.Mode().IsRegular() && e.Name() != sealName {
			sizes[e.Name()] = info.Size()
		}
	}
	b, err := json.Marshal(sizes)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, sealName), b, 0o644); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// checkSeal returns ErrBroken if a file of a sealed directory is not as long as
// it was, and an error for which errors.Is(err, fs.ErrNotExist) holds if there
// is no such directory.
func checkSeal(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, sealName))
	if err != nil {
		return fmt.Errorf("check %s: %w", dir, err)
	}
	var sizes map[string]int64
	if err := json.Unmarshal(b, &sizes); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrBroken, dir, err)
	}
	for name, want := range sizes {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("%w: %s lacks %s", ErrBroken, dir, name)
		}
		if info.Size() != want {
			return fmt.Errorf("%w: %s has %d bytes, %d when it was made",
				ErrBroken, filepath.Join(dir, name), info.Size(), want)
		}
	}
	return nil
}
