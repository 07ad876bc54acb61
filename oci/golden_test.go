package oci

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

var update = flag.Bool("update", false, "write testdata anew")

// golden compares v as JSON with testdata/name. Run with -update after a wanted
// change and read the difference.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and look at the difference. Got:\n%s", file, got)
	}
}

var limits = []Option{Memory(200 << 20), Pids(256), OpenFiles(1024, 4096), Cgroup("/ingot/job-1/c1")}

var grading = GradingFiles{Task: "/j/task", Sockets: "/j/sockets", Common: "/j/common",
	Etc: Etc{Hosts: "/j/etc/hosts", ResolvConf: "/j/etc/resolv.conf", Hostname: "/j/etc/hostname"}}

var student = StudentFiles{Student: "/j/pins/1", Scripts: "/j/pins/2", SystemFiles: "/j/pins/3",
	CommonStudent: "/j/common-student", ParentSocket: "/j/pins/4",
	Etc: Etc{Hosts: "/j/etc/2/hosts", ResolvConf: "/j/etc/2/resolv.conf"}}

var image = Image{Env: []string{"PATH=/bin", "LANG=C.UTF-8", "broken"}, Entrypoint: []string{"/bin/bash", "-lc"},
	Cmd: []string{"INGInious"}, WorkingDir: "task", User: "0:0"}

func TestPresets(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		opts []Option
	}{
		"grading": {nil, []Option{FromImage(image), Env("DEBUGGER=False", "PATH=/usr/bin:/bin"), Grading(grading), Hostname("c1")}},
		"student": {[]string{"_run_student_intern", "runc", "docker"}, []Option{FromImage(image), Student(student), Hostname("c2")}},
		"student-shared-network": {[]string{"_run_student_intern"},
			[]Option{FromImage(image), Student(StudentFiles{Student: "/j/pins/1"}), JoinNetwork("/proc/77/ns/net")}},
		"without-resources": {nil, []Option{FromImage(image), WithoutResources(), Grading(grading)}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(c.args, append(c.opts, limits...)...)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Linux.Seccomp.Syscalls) == 0 {
				t.Error("no system call filter")
			}
			s.Linux.Seccomp = nil // differs with the architecture: see TestSystemCallFilter
			golden(t, name+".json", s)
		})
	}
}

func TestSystemCallFilter(t *testing.T) {
	golden(t, "seccomp-amd64.json", filter(studentCaps, "amd64"))

	allowed := func(f *specs.LinuxSeccomp, name string) bool {
		for _, call := range f.Syscalls {
			for _, n := range call.Names {
				if n == name && call.Action == specs.ActAllow && len(call.Args) == 0 {
					return true
				}
			}
		}
		return false
	}
	for _, arch := range []string{"amd64", "arm64", "riscv64", "s390x"} {
		f := filter(gradingCaps, arch)
		if f.DefaultAction != specs.ActErrno || len(f.Architectures) == 0 || f.Architectures[0] != seccompArch[arch] {
			t.Errorf("%s: %s, %v", arch, f.DefaultAction, f.Architectures)
		}
		for name, want := range map[string]bool{
			"read": true, "ptrace": true, "chroot": true, "clone": false, "unshare": false, "mount": false, "bpf": false,
			"keyctl": false, "add_key": false, "io_uring_setup": false, "userfaultfd": false, "perf_event_open": false,
			"socket": false, "socketcall": arch != "amd64", "open_by_handle_at": false, "kexec_load": false,
		} {
			if allowed(f, name) != want {
				t.Errorf("%s: %s allowed without conditions: %t", arch, name, !want)
			}
		}
	}
	kept := filter(studentCaps, "amd64")
	own := len(kept.Syscalls)
	keep(kept, resourceCore, resourceNproc)
	golden(t, "seccomp-kept-amd64.json", kept.Syscalls[own:])
	if f := filter(nil, "amd64"); allowed(f, "chroot") {
		t.Error("chroot allowed without its capability")
	}
}
