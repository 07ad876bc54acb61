package images

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNoBusybox says that no static busybox is here and none could be fetched.
var ErrNoBusybox = errors.New("no static busybox: install Debian's package busybox-static")

// FindBusybox returns the path of a static busybox: this machine's own if it has
// one, else that of Debian's package, which it unpacks below dir.
func FindBusybox(ctx context.Context, dir string) (string, error) {
	unpacked := filepath.Join(dir, "busybox-static", "bin", "busybox")
	for _, path := range []string{"/bin/busybox", "/usr/bin/busybox", unpacked} {
		if static(path) {
			return path, nil
		}
	}
	if err := fetch(ctx, filepath.Join(dir, "busybox-static"), "busybox-static"); err != nil {
		return "", fmt.Errorf("%w (%w)", ErrNoBusybox, err)
	}
	for _, path := range []string{unpacked, filepath.Join(dir, "busybox-static", "usr", "bin", "busybox")} {
		if static(path) {
			return path, nil
		}
	}
	return "", ErrNoBusybox
}

// static reports a program that needs no interpreter.
func static(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}

// BuildInit builds ingot-init from the module in the working directory or above
// it, as it is shipped: static and stripped.
func BuildInit(ctx context.Context, out string) error {
	return build(ctx, out, "github.com/ingot-grading/ingot/cmd/ingot-init")
}

// BuildTemplate builds ingot-template in the same way.
func BuildTemplate(ctx context.Context, out string) error {
	return build(ctx, out, "github.com/ingot-grading/ingot/cmd/ingot-template")
}

// BuildGrader builds a static grader, which is also the answer that it grades.
func BuildGrader(ctx context.Context, out string) error {
	return build(ctx, out, "github.com/ingot-grading/ingot/testenv/images/cmd/grader")
}

func build(ctx context.Context, out, pkg string) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", out, pkg)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", pkg, err, text)
	}
	return nil
}
