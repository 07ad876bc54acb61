package vm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// install is a plan to install packages with apt.
type install struct {
	packages []string
	// backports is the content of a sources.list of the release with its
	// backports, release their suite. Both are "" where the release itself has
	// what is needed.
	backports, release string
}

// planInstall decides how packages are installed on h. Debian 12's own QEMU is
// 7.2, so there it comes from the backports on the same mirror.
func planInstall(h host, mirror string, packages []string) install {
	plan := install{packages: packages}
	if h.id != "debian" || h.codename != "bookworm" {
		return plan
	}
	from, ok := mainArchive(h.sources, h.codename)
	if !ok {
		from = source{uri: mirror}
	}
	if from.uri == "" {
		return plan
	}
	options := ""
	if from.signedBy != "" {
		options = "[signed-by=" + from.signedBy + "] "
	}
	for _, suite := range []string{"", "-updates", "-backports"} {
		plan.backports += fmt.Sprintf("deb %s%s %s%s main\n", options, from.uri, h.codename, suite)
	}
	plan.release = h.codename + "-backports"
	return plan
}

// manual returns the shell commands that do the same by hand.
func (p install) manual() string {
	packages := strings.Join(p.packages, " ")
	if p.release == "" {
		return "    apt-get update\n    apt-get install --no-install-recommends " + packages
	}
	lines := strings.Split(strings.TrimSpace(p.backports), "\n")
	return "    echo '" + lines[len(lines)-1] + "' >/etc/apt/sources.list.d/backports.list\n" +
		"    apt-get update\n" +
		"    apt-get install --no-install-recommends -t " + p.release + " " + packages
}

// run installs. With backports it works on lists of its own, in a temporary
// directory, so that what apt knows afterwards is what it knew before.
func (p install) run(ctx context.Context) error {
	args := []string{"-q", "-o", "DPkg::Lock::Timeout=300"}
	if p.release != "" {
		dir, err := os.MkdirTemp("", "ingot-apt-")
		if err != nil {
			return fmt.Errorf("make a directory for apt: %w", err)
		}
		defer os.RemoveAll(dir)
		list := filepath.Join(dir, "sources.list")
		for _, err := range []error{
			os.Chmod(dir, 0o755), // apt's downloads run as a user of their own
			os.MkdirAll(filepath.Join(dir, "lists", "partial"), 0o755),
			os.WriteFile(list, []byte(p.backports), 0o644),
		} {
			if err != nil {
				return fmt.Errorf("prepare a directory for apt: %w", err)
			}
		}
		args = append(args, "-t", p.release, "-o", "Dir::Etc::sourcelist="+list,
			"-o", "Dir::Etc::sourceparts=/dev/null", "-o", "Dir::State::lists="+filepath.Join(dir, "lists"))
	}
	if err := command(ctx, nil, "apt-get", append(args, "update")...); err != nil {
		return err
	}
	args = append(args, "install", "-y", "--no-install-recommends")
	return command(ctx, nil, "apt-get", append(args, p.packages...)...)
}

// killGrace is how long a program that was asked to end may still clean up.
const killGrace = 15 * time.Second

// command runs a program to its end, which comes soon if ctx ends. extra is
// added to its environment. The error holds the end of its output.
func command(ctx context.Context, extra []string, name string, args ...string) error {
	path, ok := findTool(name)
	if !ok {
		return fmt.Errorf("%w: %s", ErrTools, name)
	}
	var output strings.Builder
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8",
		"PATH="+os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
	cmd.Env = append(cmd.Env, extra...)
	cmd.Stdout, cmd.Stderr = &output, &output
	ownGroup(cmd)
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("run %s: %w; it said last:\n%s", name, err, tail(output.String(), tailLines))
	}
	return nil
}
