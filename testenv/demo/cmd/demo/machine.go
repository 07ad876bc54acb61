package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/ingot-grading/ingot/testenv/vm"
)

// grade.sh installs the units in the machine, runs the demo against them, stops
// them and looks for leftovers.
//
//go:embed grade.sh
var gradeScript []byte

// inMachine runs the demo in the disposable machine, the kept one if there is one.
func inMachine(ctx context.Context, log *slog.Logger, p parts) (err error) {
	script := filepath.Join(p.dir, "grade.sh")
	if err := os.WriteFile(script, gradeScript, 0o755); err != nil {
		return fmt.Errorf("write the script: %w", err)
	}
	if err := copyUnits(filepath.Join(p.dir, "units")); err != nil {
		return err
	}
	m, release, err := vm.Acquire(ctx, vm.Config{Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	log.Info("copying to the machine")
	if err := m.Put(ctx, p.dir, "/root/demo"); err != nil {
		return err
	}
	status, err := m.Run(ctx, nil, os.Stdout, os.Stderr, "/root/demo/grade.sh")
	if err != nil {
		return err
	}
	switch status {
	case 0:
		return nil
	case 1:
		return errUnlike
	}
	return fmt.Errorf("the demo ended with status %d in the machine", status)
}

// copyUnits collects the units and their example configuration.
func copyUnits(to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("collect the units: %w", err)
	}
	for _, pattern := range []string{"cmd/*/*.service", "cmd/*/*.env"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			return fmt.Errorf("collect the units: none at %s (%w)", pattern, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err == nil {
				err = os.WriteFile(filepath.Join(to, filepath.Base(f)), text, 0o644)
			}
			if err != nil {
				return fmt.Errorf("collect the units: %w", err)
			}
		}
	}
	return nil
}
