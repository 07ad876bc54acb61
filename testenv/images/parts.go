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
// one, else that of Debian's package, without installing it. It is fetched once,
// by way of dir, and kept in the user's cache: later calls need no network.
func FindBusybox(ctx context.Context, dir string) (string, error) {
	own := []string{"/bin/busybox", "/usr/bin/busybox"}
	cache, err := os.UserCacheDir()
	if err == nil {
		own = append(own, filepath.Join(cache, "ingot", "busybox"))
	}
	for _, path := range own {
		if static(path) {
			return path, nil
		}
	}
	root := filepath.Join(dir, "busybox-static")
	if err := fetch(ctx, root, "busybox-static"); err != nil {
		return "", fmt.Errorf("%w (%w)", ErrNoBusybox, err)
	}
	for _, path := range []string{filepath.Join(root, "bin", "busybox"), filepath.Join(root, "usr", "bin", "busybox")} {
		if !static(path) {
			continue
		}
		if cache == "" {
			return path, nil
		}
		return keep(path, own[len(own)-1])
	}
	return "", ErrNoBusybox
}

// keep copies a program to a place that others may look at at the same time.
func keep(from, to string) (string, error) {
	data, err := os.ReadFile(from)
	if err != nil {
		return "", fmt.Errorf("keep busybox: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", fmt.Errorf("keep busybox: %w", err)
	}
	part, err := os.CreateTemp(filepath.Dir(to), "busybox-")
	if err != nil {
		return "", fmt.Errorf("keep busybox: %w", err)
	}
	_, err = part.Write(data)
	err = errors.Join(err, part.Chmod(0o755), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), to)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("keep busybox: %w", err), os.Remove(part.Name()))
	}
	return to, nil
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
