package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/cgroups"
)

// fit is a machine that lacks nothing.
func fit() facts {
	return facts{
		root: true, kernel: "6.1.0-13-amd64", overlay: true, controllers: []string{"cpuset", "cpu", "io", "memory", "pids"}, containerd: "1.6.20~ds1",
		programs: map[string]program{
			"runc": {path: "/usr/sbin/runc", version: "runc version 1.1.5+ds1"},
			"crun": {path: "/usr/bin/crun", version: "crun version 1.8.1"},
			shim:   {path: "/usr/bin/" + shim},

			"mke2fs": {path: "/usr/sbin/mke2fs"},
		},
		disks: []disk{{dir: "/var/lib/ingot", free: 50 << 30, total: 100 << 30, inodes: 1e6}},
	}
}

// enough is what all jobs can share.
var enough = map[string]int64{watchers: 1 << 20, watches: 1<<31 - 1, polls: 1<<31 - 1, pipePages: 0, contexts: 1 << 24}

func TestDoctor(t *testing.T) {
	runc := func(version string, crun bool) func(*facts) {
		return func(f *facts) {
			f.programs["runc"] = program{path: "/usr/sbin/runc", version: "runc version " + version}
			if !crun {
				delete(f.programs, "crun")
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(*facts)
		level string // of the worst
		want  string
	}{
		"fit":                {func(*facts) {}, ok, "50.0 of 100.0 GiB free"},
		"not root":           {func(f *facts) { f.root = false }, fail, "sudo"},
		"old kernel":         {func(f *facts) { f.kernel = "4.19.0" }, fail, "Linux 4.19.0 is too old"},
		"kernel 5.10":        {func(f *facts) { f.kernel = "5.10.0-1" }, warn, "5.19"},
		"strange kernel":     {func(f *facts) { f.kernel = "mine" }, warn, `"mine"`},
		"no openat2":         {func(f *facts) { f.openat2 = errors.New("refused") }, fail, "openat2"},
		"no overlay":         {func(f *facts) { f.overlay = false }, warn, "modprobe"},
		"version 1":          {func(f *facts) { f.cgroups = cgroups.ErrHost }, fail, "unified_cgroup_hierarchy"},
		"no memory":          {func(f *facts) { f.controllers = []string{"cpu", "io", "pids"} }, fail, "lacks the controller memory"},
		"no pids":            {func(f *facts) { f.controllers = []string{"cpu", "io", "memory"} }, fail, "lacks the controller pids"},
		"no cpu":             {func(f *facts) { f.controllers = []string{"io", "memory", "pids"} }, fail, "lacks the controller cpu"},
		"no io":              {func(f *facts) { f.controllers = []string{"cpu", "memory", "pids"} }, warn, "agents refuse --max-io"},
		"no containerd":      {func(f *facts) { f.unreachable = errors.New("containerd is not running") }, fail, "not running"},
		"no mke2fs":          {func(f *facts) { delete(f.programs, "mke2fs") }, fail, "e2fsprogs"},
		"no loop devices":    {func(f *facts) { f.loop = errors.New("gone") }, fail, "modprobe loop"},
		"few watchers":       {func(f *facts) { f.shared = map[string]int64{watchers: 128} }, warn, "watching files"},
		"few watches":        {func(f *facts) { f.shared = map[string]int64{watches: 1 << 20} }, warn, "sysctl fs.inotify.max_user_watches=2147483647"},
		"few polls":          {func(f *facts) { f.shared = map[string]int64{polls: 5491533} }, warn, "from epoll"},
		"few pages":          {func(f *facts) { f.shared = map[string]int64{pipePages: 16384} }, warn, "sysctl fs.pipe-user-pages-soft=0"},
		"few contexts":       {func(f *facts) { f.shared = map[string]int64{watchers: 1 << 20, contexts: 65536} }, warn, "asynchronous"},
		"enough to share":    {func(f *facts) { f.shared = enough }, ok, "no job can keep"},
		"no guards":          {func(f *facts) { f.guards = cgroups.ErrHost }, warn, "only netfilter"},
		"no victims":         {func(f *facts) { f.victims = cgroups.ErrHost }, warn, "not named"},
		"no runtime":         {func(f *facts) { f.programs = nil }, fail, "neither runc nor crun"},
		"gVisor":             {func(*facts) {}, ok, "on runsc (type kata; for students as root, on a kernel that is a program) are offered"},
		"no Kata":            {func(f *facts) { f.lacking = map[string]error{"kata": errors.New("no shim")} }, ok, "no environments on kata (type kata; for students as root, in virtual machines): no shim; if wanted, install"},
		"crun alone":         {func(f *facts) { delete(f.programs, "runc") }, ok, "crun version 1.8.1"},
		"no shim":            {func(f *facts) { delete(f.programs, shim) }, warn, shim},
		"broken runc":        {func(f *facts) { f.programs["runc"] = program{path: "/r", err: errors.New("exec format")} }, fail, "/r does not run"},
		"silent runc":        {func(f *facts) { f.programs["runc"] = program{path: "/r", version: "?"} }, warn, "tells no version"},
		"old runc":           {runc("1.0.3", true), warn, "older than what was tested"},
		"runc 1.2.9":         {runc("1.2.9", false), ok, "1.2.9"},
		"runc 1.3.0":         {runc("1.3.0-rc.1", false), fail, "can hang"},
		"runc 1.3.5":         {runc("1.3.5", false), fail, "can hang"},
		"runc 1.3.5 or crun": {runc("1.3.5", true), warn, "can hang"},
		"runc 1.3.6":         {runc("1.3.6", false), ok, "1.3.6"},
		"runc 1.4.1":         {runc("1.4.1", false), fail, "can hang"},
		"runc 1.4.2":         {runc("1.4.2", false), ok, "1.4.2"},
		"no networks":        {func(f *facts) { f.networks = errors.New("no networks for jobs: install it") }, warn, "install it"},
		"full disk":          {func(f *facts) { f.disks[0].free = 1 << 29 }, fail, "make room"},
		"little disk":        {func(f *facts) { f.disks[0].free = 2 << 30 }, warn, "make room"},
		"few inodes":         {func(f *facts) { f.disks[0].inodes = 9 }, warn, "9 files"},
		"lost disk":          {func(f *facts) { f.disks[0].err = errors.New("gone") }, warn, "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			f := fit()
			c.spoil(&f)
			var out strings.Builder
			all := f.judge()
			err := printFindings(&out, all)
			worst := ok
			for _, f := range all {
				if f.level == fail || f.level == warn && worst == ok {
					worst = f.level
				}
			}
			if worst != c.level || errors.Is(err, errUnlike) != (worst == fail) || !strings.Contains(out.String(), c.want) {
				t.Errorf("%s, %v; want %s and %q in:\n%s", worst, err, c.level, c.want, out.String())
			}
		})
	}
}

// What is found out here is true of any machine that runs tests.
func TestDoctorLooks(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "runc"), []byte("#!/bin/sh\necho runc version 9.9.9\necho more\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "crun"), []byte("#!/bin/sh\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	c := doctorCmd{storeFlags: storeFlags{ContainerdAddress: filepath.Join(bin, "none.sock"), Namespace: "x", Patience: time.Minute}, Tmpdir: filepath.Join(bin, "a", "b"), Store: "/"}
	f := c.look(context.Background())
	if _, known := parseVersion(f.kernel); !known {
		t.Errorf("kernel %q", f.kernel)
	}
	if f.unreachable == nil || !strings.Contains(f.unreachable.Error(), "not running") {
		t.Errorf("containerd: %v", f.unreachable)
	}
	if f.shared[watches] == 0 || f.shared[polls] == 0 {
		t.Errorf("limits %v", f.shared)
	}
	if p := f.programs["runc"]; p.version != "runc version 9.9.9" || p.err != nil {
		t.Errorf("runc %+v", p)
	}
	if f.programs["crun"].err == nil || f.programs[shim].path != "" {
		t.Errorf("programs %+v", f.programs)
	}
	if !errors.Is(f.networks, network.ErrUnavailable) { // iptables is not on PATH
		t.Errorf("networks: %v", f.networks)
	}
	for _, d := range f.disks {
		if d.err != nil || d.total == 0 {
			t.Errorf("disk %+v", d)
		}
	}
}
