package guest

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// install makes a link to this program for each command in a directory.
func install(p Process) int {
	if len(p.Args) != 2 {
		fmt.Fprintf(p.Stderr, "usage: %s --install DIR\n", Self)
		return 2
	}
	self, err := os.Executable()
	if err == nil {
		err = Install(p.Args[1], self)
	}
	if err != nil {
		fmt.Fprintf(p.Stderr, "%s: %s\n", Self, err)
		return 1
	}
	return 0
}

// Install makes a symbolic link to target for each command in dir, which is made
// if need be. Links that are there are replaced; another file in the place of
// one is an error. A target in dir itself is linked by its bare name, so that
// the directory can be mounted anywhere.
func Install(dir, target string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if abs, err := filepath.Abs(dir); err == nil && abs == filepath.Dir(target) {
		target = filepath.Base(target)
	}
	for _, name := range Names() {
		link := filepath.Join(dir, name)
		if st, err := os.Lstat(link); err == nil && st.Mode().Type() != fs.ModeSymlink {
			return fmt.Errorf("install: %w", &fs.PathError{Op: "link", Path: link, Err: fs.ErrExist})
		}
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("install: %w", err)
		}
		if err := os.Symlink(target, link); err != nil {
			return fmt.Errorf("install: %w", err)
		}
	}
	return nil
}

// CheckProgram reports what keeps the file at path from being run in containers as
// ingot-init. Scripts are refused: an image need not have what they are written for.
func CheckProgram(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is no program: %w", path, err)
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return fmt.Errorf("%s is no program: it is of ELF type %s", path, f.Type)
	}
	return nil
}
