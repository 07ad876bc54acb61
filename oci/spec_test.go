package oci

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestOptionsThatAreRefused(t *testing.T) {
	run := []string{"/bin/true"}
	change := func(f func(*specs.Spec)) Option {
		return func(s *specs.Spec) error { f(s); return nil }
	}
	for name, c := range map[string]struct {
		args []string
		opt  Option
	}{
		"no command":            {nil, FromImage(Image{})},
		"empty command":         {[]string{""}, all()},
		"NUL in an argument":    {[]string{"a\x00b"}, all()},
		"NUL in the image":      {run, FromImage(Image{Env: []string{"A=\x00"}})},
		"env without name":      {run, Env("=x")},
		"env without value":     {run, Env("x")},
		"user by name":          {run, FromImage(Image{User: "worker"})},
		"user too large":        {run, FromImage(Image{User: "4294967296"})},
		"user that is negative": {run, FromImage(Image{User: "-1"})},
		"group by name":         {run, FromImage(Image{User: "0:wheel"})},
		"cwd in proc":           {run, FromImage(Image{WorkingDir: "/x/../proc/self/fd/8"})},
		"cwd is sys":            {run, FromImage(Image{WorkingDir: "sys"})},
		"host name":             {run, Hostname("a b")},
		"empty host name":       {run, Hostname("")},
		"no memory":             {run, Memory(0)},
		"negative pids":         {run, Pids(-1)},
		"files soft over hard":  {run, OpenFiles(2, 1)},
		"no files":              {run, OpenFiles(0, 1)},
		"cgroup root":           {run, Cgroup("/")},
		"cgroup relative":       {run, Cgroup("a")},
		"cgroup climbing":       {run, Cgroup("/ingot/../x")},
		"network by nothing":    {run, JoinNetwork("")},
		"bind of root":          {run, Bind("/", "/x")},
		"bind relative":         {run, Bind("x", "/x")},
		"bind climbing":         {run, Bind("/a/../b", "/x")},
		"bind at root":          {run, Bind("/a", "/")},
		"bind into proc":        {run, Bind("/a", "/proc/sys")},
		"bind into dev":         {run, Bind("/a", "/dev/shm")},
		"bind twice":            {run, all(Bind("/a", "/x"), Bind("/b", "/x"))},
		"parent over child":     {run, all(Bind("/a", "/x/y"), Bind("/b", "/x"))},
		"unmasked":              {run, change(func(s *specs.Spec) { s.Linux.MaskedPaths = nil })},
		"host pid namespace":    {run, change(func(s *specs.Spec) { s.Linux.Namespaces = s.Linux.Namespaces[1:] })},
		"host network":          {run, change(func(s *specs.Spec) { s.Linux.Namespaces = s.Linux.Namespaces[:5] })},
		"joined pid namespace":  {run, change(func(s *specs.Spec) { s.Linux.Namespaces[0].Path = "/proc/1/ns/pid" })},
		"devices":               {run, change(func(s *specs.Spec) { s.Linux.Resources.Devices[0].Allow = true })},
		"capability":            {run, capabilities([]string{"CAP_SYS_ADMIN"})},
		"ambient capability": {run, change(func(s *specs.Spec) {
			s.Process.Capabilities = &specs.LinuxCapabilities{Ambient: []string{"CAP_CHOWN"}}
		})},
		"swap":         {run, change(func(s *specs.Spec) { s.Linux.Resources.Memory.Swap = nil })},
		"oom group":    {run, change(func(s *specs.Spec) { s.Linux.Resources.Unified = nil })},
		"no limit":     {run, change(func(s *specs.Spec) { s.Linux.Resources.Memory = nil })},
		"no pids":      {run, change(func(s *specs.Spec) { s.Linux.Resources.Pids = nil })},
		"no cgroup":    {run, change(func(s *specs.Spec) { s.Linux.CgroupsPath = "" })},
		"core dumps":   {run, change(func(s *specs.Spec) { s.Process.Rlimits = nil })},
		"an OOM score": {run, change(func(s *specs.Spec) { s.Process.OOMScoreAdj = new(-998) })},
		"no OOM score": {run, change(func(s *specs.Spec) { s.Process.OOMScoreAdj = nil })},
		"dumps to the host's program": {run, change(func(s *specs.Spec) {
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CORE"}}
		})},
		"hooks":    {run, change(func(s *specs.Spec) { s.Hooks = &specs.Hooks{} })},
		"terminal": {run, change(func(s *specs.Spec) { s.Process.Terminal = true })},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(c.args, append(slices.Clone(limits), c.opt)...)
			if s != nil || !errors.Is(err, ErrRefused) {
				t.Fatalf("got %v, %v; want a refusal", s, err)
			}
		})
	}
}

// A mount may be given before the one that it lies in only if the check says so;
// everything else may come in any order.
func TestOrderOfOptions(t *testing.T) {
	opts := append(slices.Clone(limits), FromImage(image), Grading(grading), Hostname("c1"), JoinNetwork("/proc/7/ns/net"))
	want, err := New(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	sorted := func(s *specs.Spec) *specs.Spec {
		slices.SortFunc(s.Process.Rlimits, func(a, b specs.POSIXRlimit) int { return int(a.Hard) - int(b.Hard) })
		return s
	}
	for range 50 {
		rand.Shuffle(len(opts), func(i, j int) { opts[i], opts[j] = opts[j], opts[i] })
		got, err := New(nil, opts...)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(sorted(got), sorted(want)) {
			t.Fatalf("the order of options changed the result: %+v", got)
		}
	}
}

// The last entry of a name counts, in the place of the first.
func TestEnvironment(t *testing.T) {
	img := Image{Env: []string{"", "=x", "novalue", "PATH=/bin", "A=old", "B=old", "A=new"}, Cmd: []string{"true"}}
	s, err := New(nil, append(slices.Clone(limits), FromImage(img), Env("C=ours", "B=ours"))...)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"PATH=/bin", "A=new", "B=ours", "C=ours"}; !slices.Equal(s.Process.Env, want) {
		t.Errorf("got %q, want %q", s.Process.Env, want)
	}
}

// However much an image says, a specification is made or refused without delay.
func TestLargeImages(t *testing.T) {
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprintf("V%d=", i)
	}
	text := strings.Repeat("x", 128<<10)
	for name, c := range map[string]struct {
		img  Image
		good bool
	}{
		"many entries":      {Image{Cmd: []string{"true"}, Env: names[:4000]}, true},
		"too many entries":  {Image{Cmd: []string{"true"}, Env: names}, false},
		"too many words":    {Image{Cmd: names[:5000]}, false},
		"a long entry":      {Image{Cmd: []string{"true"}, Env: []string{"A=" + text[3:]}}, true},
		"too long an entry": {Image{Cmd: []string{"true"}, Env: []string{"A=" + text[2:]}}, false},
		"too long a word":   {Image{Entrypoint: []string{"true", text}}, false},
		"too long together": {Image{Cmd: slices.Repeat([]string{text[:100<<10]}, 11)}, false},
	} {
		s, err := New(nil, append(slices.Clone(limits), FromImage(c.img))...)
		if c.good != (err == nil) || !c.good && !errors.Is(err, ErrRefused) || len(fmt.Sprint(err)) > 300 {
			t.Errorf("%s: %.300v", name, err)
		}
		if c.good && len(s.Process.Env) < len(c.img.Env) {
			t.Errorf("%s: %d entries of %d", name, len(s.Process.Env), len(c.img.Env))
		}
	}
}

// What New returns shares nothing with its arguments or with another result.
func TestNoSharing(t *testing.T) {
	args := []string{"/bin/true"}
	a, err := New(args, append(slices.Clone(limits), Grading(grading))...)
	if err != nil {
		t.Fatal(err)
	}
	a.Process.Args[0], a.Process.Capabilities.Bounding[0] = "x", "x"
	a.Linux.MaskedPaths[0], a.Linux.Seccomp.Syscalls[0].Names[0] = "x", "x"
	b, err := New(args, append(slices.Clone(limits), Grading(grading))...)
	if err != nil {
		t.Fatal(err)
	}
	if b.Process.Args[0] != "/bin/true" || b.Process.Capabilities.Bounding[0] == "x" ||
		b.Linux.MaskedPaths[0] == "x" || b.Linux.Seccomp.Syscalls[0].Names[0] == "x" {
		t.Error("two specifications share memory")
	}
}

func TestFindRuntime(t *testing.T) {
	for name, want := range map[string]string{
		"runc": "runc", "io.containerd.runc.v2": "runc", "/usr/sbin/runc": "runc", "crun": "crun",
		"kata-runtime": "kata", "io.containerd.kata-qemu.v2": "kata", "nvidia-container-runtime": "nvidia",
		"io.containerd.runsc.v1": "runsc", "": "", "youki": "",
	} {
		r, ok := FindRuntime(name)
		if r.Name != want || ok != (want != "") {
			t.Errorf("FindRuntime(%q) = %+v, %t", name, r, ok)
		}
	}
	for _, r := range Runtimes() {
		if r.Handler == "" || r.EnvType == "" || r.SSHEnvType != r.EnvType+"-ssh" || r.Told == "" || r.SharedKernel == r.Root || r.GPU != (len(r.Devices) > 0) {
			t.Errorf("rule %+v", r)
		}
	}
}

// Limits of core dumps are never set, those of processes only without resources,
// and neither by a number that means the same to the kernel alone.
func TestKeptLimits(t *testing.T) {
	const forged, allowed, refused, high = "forged", "allowed", "refused", 1 << 32
	for _, c := range []struct {
		call string
		args []uint64
		want string
		free string // without resources; "": the same
	}{
		{"setrlimit", []uint64{4, 1}, forged, ""},
		{"setrlimit", []uint64{6, 1}, forged, allowed},
		{"setrlimit", []uint64{high | 4, 1}, refused, ""},
		{"setrlimit", []uint64{high | 6, 1}, refused, ""},
		{"setrlimit", []uint64{0, 1}, allowed, ""},
		{"setrlimit", []uint64{5, 1}, allowed, ""},
		{"setrlimit", []uint64{15, 1}, allowed, ""},
		{"setrlimit", []uint64{16, 1}, refused, ""},
		{"prlimit64", []uint64{0, 4, 1}, forged, ""},
		{"prlimit64", []uint64{7, 4, high}, forged, ""},
		{"prlimit64", []uint64{0, 6, 1}, forged, allowed},
		{"prlimit64", []uint64{0, high | 4, 1}, refused, ""},
		{"prlimit64", []uint64{0, 4, 0}, allowed, ""},
		{"prlimit64", []uint64{0, 6, 0}, allowed, ""},
		{"prlimit64", []uint64{4, 7, 1}, allowed, ""},
		{"getrlimit", []uint64{4, 1}, allowed, ""},
	} {
		for free, opt := range map[bool]Option{false: all(), true: WithoutResources()} {
			want := c.want
			if free && c.free != "" {
				want = c.free
			}
			s, err := New([]string{"/bin/true"}, append(slices.Clone(limits), opt)...)
			if err != nil {
				t.Fatal(err)
			}
			if got := answer(s.Linux.Seccomp, c.call, c.args...); got != want {
				t.Errorf("%s %v, without resources %t: %s, want %s", c.call, c.args, free, got, want)
			}
		}
	}
}

// answer is what a filter does with a system call. Runtimes take several
// conditions on one argument for alternatives: such rules are not looked for.
func answer(f *specs.LinuxSeccomp, name string, args ...uint64) string {
	misses := func(a specs.LinuxSeccompArg) bool {
		if a.Op == specs.OpMaskedEqual {
			return args[a.Index]&a.Value != a.ValueTwo
		}
		return (args[a.Index] == a.Value) != (a.Op == specs.OpEqualTo)
	}
	for _, call := range f.Syscalls {
		switch {
		case !slices.Contains(call.Names, name) || slices.ContainsFunc(call.Args, misses):
		case call.Action == specs.ActAllow:
			return "allowed"
		case *call.ErrnoRet == 0:
			return "forged"
		}
	}
	return "refused"
}
