package vm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const qemu = "qemu-system-x86_64"

// minQEMU is the oldest major version that is used: 7.2 crashes emulated
// guests with double faults, and migration to a file came with 8.2 and 9.0.
const minQEMU = 9

// A tool is a program or file that must be there, and the package that brings it.
type tool struct{ name, pkg string }

var (
	runTools   = []tool{{qemu, "qemu-system-x86"}, {"qemu-img", "qemu-utils"}}
	buildTools = []tool{{"mmdebstrap", "mmdebstrap"}, {"mke2fs", "e2fsprogs"}}
)

// trixieKeys are where a system keeps the keys that sign trixie, newest
// packaging first. A Debian 12 that was not updated has a keyring without them.
var trixieKeys = []string{
	"/usr/share/keyrings/debian-archive-trixie-automatic.pgp",
	"/usr/share/keyrings/debian-archive-trixie-automatic.gpg",
}

// ensureTools finds what is needed to run a machine, and with build to make an
// image, and installs what is missing if it may.
func ensureTools(ctx context.Context, h host, mirror string, build bool, log *slog.Logger) error {
	missing, err := missingTools(ctx, build)
	if err == nil && len(missing) == 0 {
		return nil
	}
	if err != nil && !errors.Is(err, ErrOldQEMU) {
		return err
	}
	if errors.Is(err, ErrOldQEMU) {
		missing = append(missing, runTools[0].pkg, runTools[1].pkg)
	}
	plan := planInstall(h, mirror, missing)
	_, aptErr := exec.LookPath("apt-get")
	if os.Geteuid() != 0 || aptErr != nil {
		return errors.Join(err, fmt.Errorf("%w: install them as root with:\n%s", ErrTools, plan.manual()))
	}
	log.Info("installing packages", "packages", missing)
	if err := plan.run(ctx); err != nil {
		return err
	}
	missing, err = missingTools(ctx, build)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w after their installation: %s", ErrTools, strings.Join(missing, " "))
	}
	return nil
}

// missingTools names the packages that would bring what is not there. The
// error is ErrOldQEMU if QEMU is there but too old.
func missingTools(ctx context.Context, build bool) ([]string, error) {
	need := runTools
	if build {
		need = append(slices.Clone(need), buildTools...)
	}
	var pkgs []string
	for _, t := range need {
		if _, ok := findTool(t.name); !ok {
			pkgs = append(pkgs, t.pkg)
		}
	}
	if build && !slices.ContainsFunc(trixieKeys, isFile) {
		pkgs = append(pkgs, "debian-archive-keyring")
	}
	if slices.Contains(pkgs, runTools[0].pkg) {
		return pkgs, nil
	}
	_, err := qemuVersion(ctx)
	return pkgs, err
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

var versionRE = regexp.MustCompile(`version (\d+)\.\d+[^\n]*`)

// qemuVersion returns QEMU's version line, and ErrOldQEMU if it is too old.
func qemuVersion(ctx context.Context) (string, error) {
	path, _ := findTool(qemu)
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask QEMU for its version: %w", err)
	}
	return checkVersion(string(out))
}

func checkVersion(out string) (string, error) {
	m := versionRE.FindStringSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("QEMU's version is not in %q", out)
	}
	if major, err := strconv.Atoi(m[1]); err != nil || major < minQEMU {
		return "", fmt.Errorf("%w: it is %s; before %d, emulated guests crash and snapshots cannot be kept in files",
			ErrOldQEMU, m[0], minQEMU)
	}
	return m[0], nil
}
