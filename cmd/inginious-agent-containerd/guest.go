package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ingot-grading/ingot/agent/guest"
)

// guest makes the directory that containers of images without INGInious'
// programs are given, and returns its path; "" without --init. It is a copy: what
// a running container uses must not change with the next installation.
func (c *config) guest() (string, error) {
	if c.Init == "" {
		return "", nil
	}
	dir := filepath.Join(c.Tmpdir, "guest")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("provide ingot-init: %w", err)
	}
	program := filepath.Join(dir, guest.Self)
	if err := copyProgram(c.Init, program); err != nil {
		return "", fmt.Errorf("provide ingot-init: %w", err)
	}
	template := filepath.Join(filepath.Dir(c.Init), guest.TemplateProgram)
	err := copyProgram(template, filepath.Join(dir, guest.TemplateProgram))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // few tasks need it
		return "", fmt.Errorf("provide ingot-template: %w", err)
	}
	if err := guest.Install(dir, program); err != nil {
		return "", fmt.Errorf("provide ingot-init: %w", err)
	}
	return dir, nil
}

// copyProgram replaces the program at to, which may be running.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), "new")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Chmod(0o755), out.Close()); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return os.Rename(out.Name(), to)
}
