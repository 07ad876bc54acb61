package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/cmd/internal/runtimes"
)

// look finds the facts of this machine. It changes nothing.
func (c *doctorCmd) look(ctx context.Context) facts {
	f := facts{
		root: os.Geteuid() == 0, kernel: kernelRelease(), openat2: tryOpenat2(), overlay: hasOverlay(),
		programs: map[string]program{}, disks: []disk{diskOf(c.Tmpdir), diskOf(c.Store)},
	}
	f.controllers, f.cgroups = cgroups.Available()
	f.guards, f.victims = tryPrograms()
	f.containerd, f.unreachable = c.askContainerd(ctx)
	f.networks = network.Available(nil)
	f.shared = sharedLimits()
	f.lacking = lacking(runtimes.Here(nil))
	for _, name := range []string{"runc", "crun", shim} {
		f.programs[name] = ask(ctx, name, c.Patience)
	}
	mke2fs, _ := exec.LookPath("mke2fs") // "" says it all
	f.programs["mke2fs"] = program{path: mke2fs}
	_, f.loop = os.Stat("/dev/loop-control")
	return f
}

// askContainerd returns the version of the daemon, or why it cannot be used.
func (c *doctorCmd) askContainerd(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Patience, errHangs)
	defer cancel()
	rt, err := ctrd.Connect(ctx, ctrd.Config{Address: c.ContainerdAddress, Namespace: c.Namespace, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	v, err := rt.Version(ctx)
	return v, errors.Join(err, rt.Close())
}

// ask finds a program and asks for its version.
func ask(ctx context.Context, name string, patience time.Duration) program {
	path, err := exec.LookPath(name)
	if err != nil {
		return program{}
	}
	flag := "--version"
	if name == shim {
		flag = "-v"
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it did not answer in time"))
	defer cancel()
	out, err := exec.CommandContext(ctx, path, flag).Output()
	if err != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return program{path: path, version: line, err: err}
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// tryOpenat2 makes the call that keeps students' links from leading out.
func tryOpenat2() error {
	fd, err := unix.Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// tryPrograms loads what agents load into the kernel, and removes it.
func tryPrograms() (guards, victims error) {
	g, guards := cgroups.LoadGuards()
	if guards == nil {
		guards = g.Close()
	}
	v, victims := cgroups.WatchVictims()
	if victims == nil {
		victims = v.Close()
	}
	return guards, victims
}

// hasOverlay reports whether the file system is built in or loaded.
func hasOverlay() bool {
	text, err := os.ReadFile("/proc/filesystems")
	return err == nil && slices.Contains(strings.Fields(string(text)), "overlay")
}

// diskOf looks at the file system that dir is on, or will be when it is made.
func diskOf(dir string) disk {
	at := filepath.Clean(dir)
	var st unix.Statfs_t
	err := unix.Statfs(at, &st)
	for errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at) {
		at = filepath.Dir(at)
		err = unix.Statfs(at, &st)
	}
	if err != nil {
		return disk{dir: dir, err: fmt.Errorf("look at the disk of %s: %w", dir, err)}
	}
	size := uint64(st.Bsize)
	d := disk{dir: dir, free: st.Bavail * size, total: st.Blocks * size, inodes: st.Ffree}
	if st.Files == 0 { // a file system that makes them as needed
		d.inodes = st.Bavail
	}
	return d
}
