package native

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// gVisor comes from the Go module proxy, as Debian has no package of it. Shims
// from the middle of 2026 on do not serve containerd 1.6.
const (
	gvisorModule  = "gvisor.dev/gvisor"
	gvisorVersion = "v0.0.0-20260122175437-89a5d21be8f0"
	gvisorSum     = "h1:Lk6hARj5UPY47dBep70OD/TIMwikJ5fGUGX0Rm3Xigk="
	gvisorShim    = "containerd-shim-runsc-v1"
)

// The shim asks the kernel to spare it, which takes a capability that development
// hosts in containers lack, and ends without. This one does not ask.
const (
	shimSource  = "pkg/shim/v1/service.go"
	shimAsks    = "oomScoreMaxKillable = -999"
	shimAsksNot = "oomScoreMaxKillable = 0"
)

// InstallGVisor returns a directory with runsc and its shim. They are built once,
// which takes minutes, and kept in the user's cache directory; log is told.
func InstallGVisor(ctx context.Context, log io.Writer) (dir string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place for gVisor: %w", err)
	}
	top := filepath.Join(cache, "ingot", "gvisor")
	if err := os.MkdirAll(top, 0o755); err != nil {
		return "", fmt.Errorf("make a place for gVisor: %w", err)
	}
	dir = filepath.Join(top, gvisorVersion)
	unlock, err := lock(top)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fmt.Fprintln(log, "building gVisor in", dir, "(once; it takes minutes)")
	work, err := os.MkdirTemp(top, "build-")
	if err != nil {
		return "", fmt.Errorf("build gVisor: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	bin := filepath.Join(work, "bin")
	if err := buildGVisor(ctx, log, filepath.Join(work, "src"), bin); err != nil {
		return "", fmt.Errorf("build gVisor: %w", err)
	}
	return dir, os.Rename(bin, dir)
}

// lock holds a directory against others that want to build in it.
func lock(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close() // read only
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}

func buildGVisor(ctx context.Context, log io.Writer, src, bin string) error {
	module, err := downloadGVisor(ctx, log)
	if err != nil {
		return err
	}
	// A module in the cache must not be changed, nor covered by an overlay.
	if err := os.CopyFS(src, os.DirFS(module)); err != nil {
		return err
	}
	if err := spareCapability(filepath.Join(src, shimSource)); err != nil {
		return err
	}
	for name, pkg := range map[string]string{"runsc": "./runsc", gvisorShim: "./shim"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-p", "2", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", filepath.Join(bin, name), pkg)
		cmd.Dir, cmd.Stdout, cmd.Stderr = src, log, log
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
	}
	return nil
}

// downloadGVisor returns where the module is.
func downloadGVisor(ctx context.Context, log io.Writer) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", gvisorModule+"@"+gvisorVersion)
	cmd.Stderr = log
	out, err := cmd.Output()
	var module struct{ Dir, Sum, Error string }
	if e := json.Unmarshal(out, &module); e != nil || module.Error != "" || err != nil {
		return "", fmt.Errorf("download %s: %w %s", gvisorModule, errors.Join(err, e), module.Error)
	}
	if module.Sum != gvisorSum {
		return "", fmt.Errorf("download %s: its checksum is %s, want %s", gvisorModule, module.Sum, gvisorSum)
	}
	return module.Dir, nil
}

func spareCapability(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if bytes.Count(text, []byte(shimAsks)) != 1 {
		return fmt.Errorf("%s is not as expected", file)
	}
	return os.WriteFile(file, bytes.Replace(text, []byte(shimAsks), []byte(shimAsksNot), 1), 0o644)
}
