package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// ErrMissing says that packages are missing and cannot be installed from here.
// Its text names them.
var ErrMissing = errors.New("packages are missing")

// Ensure installs those of packages that are not installed, and writes what
// apt-get says to log. With nothing missing it needs no rights and no apt-get.
func Ensure(ctx context.Context, log io.Writer, packages ...string) error {
	var missing []string
	for _, p := range packages {
		if !installed(ctx, p) {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("%w: install %s, or run this as root on Debian", ErrMissing, strings.Join(missing, " "))
	}
	args := append([]string{"install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"}, missing...)
	if err := Fresh(ctx, log, "", args...); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(missing, " "), err)
	}
	return nil
}

// Fresh runs apt-get with args in dir ("" is the working directory), and once
// more with fresh package lists if that fails: those of a new machine are empty
// or older than its mirror.
func Fresh(ctx context.Context, log io.Writer, dir string, args ...string) error {
	if get(ctx, io.Discard, dir, args...) == nil {
		return nil
	}
	return errors.Join(get(ctx, log, dir, "update", "-q"), get(ctx, log, dir, args...))
}

func get(ctx context.Context, log io.Writer, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w", args[0], err)
	}
	return nil
}

// installed asks dpkg. Where there is none, nothing is installed.
func installed(ctx context.Context, pkg string) bool {
	out, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${db:Status-Status}", pkg).Output()
	return err == nil && string(out) == "installed"
}
