package native

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// tools are the programs needed; each is also the name of its Debian package.
var tools = [...]string{"containerd", "runc", "crun"}

// Install makes containerd, runc and crun available, with apt where they are
// missing. Its output goes to log. It must run as root on Debian or a system
// like it; elsewhere the error names what to install.
func Install(ctx context.Context, log io.Writer) error {
	missing := missingTools()
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("not installed, and there is no apt-get to do it: %v", missing)
	}
	args := append([]string{"install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"}, missing...)
	if apt(ctx, log, args...) == nil {
		return nil
	}
	// The package lists may be older than the mirror.
	if err := errors.Join(apt(ctx, log, "update", "-q"), apt(ctx, log, args...)); err != nil {
		return fmt.Errorf("install %v: %w", missing, err)
	}
	return nil
}

func missingTools() []string {
	var missing []string
	for _, name := range tools {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	return missing
}

func apt(ctx context.Context, log io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w", args[0], err)
	}
	return nil
}
