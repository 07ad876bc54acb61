package ctrd

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

func TestShimProgram(t *testing.T) {
	for name, want := range map[string]string{
		"io.containerd.runc.v2":  "containerd-shim-runc-v2",
		"io.containerd.runsc.v1": "containerd-shim-runsc-v1",
		"kata.v2":                "containerd-shim-kata-v2",
		"/opt/shim.own.v1":       "/opt/shim.own.v1",
		"nonsense":               "nonsense",
	} {
		if got := shimProgram(name); got != want {
			t.Errorf("shimProgram(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestMissingHandler(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"containerd-shim-runc-v2", "runc"} {
		if err := os.WriteFile(filepath.Join(bin, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	for _, tt := range []struct {
		handler sandbox.Handler
		missing bool
	}{
		{sandbox.Handler{}, false},
		{sandbox.Handler{Binary: filepath.Join(bin, "runc")}, false},
		{sandbox.Handler{Binary: "crun"}, true},
		{sandbox.Handler{Name: "io.containerd.kata.v2", Binary: "not looked at"}, true},
	} {
		if err := missing(tt.handler); (err != nil) != tt.missing || err != nil && !errors.Is(err, sandbox.ErrNoRuntime) {
			t.Errorf("missing(%+v) = %v", tt.handler, err)
		}
	}
}

func TestIsShim(t *testing.T) {
	line := strings.ReplaceAll("/usr/bin/containerd-shim-runc-v2 -namespace ingot -id job-1 -address /run/x.sock ", " ", "\x00")
	nameless := strings.ReplaceAll(line, "-id\x00job-1\x00", "")
	for _, tt := range []struct {
		line, bundle, namespace, id string
		want                        bool
	}{
		{line, "/", "ingot", "job-1", true},
		{line, "/", "ingot", "job-2", false},
		{line, "/", "k8s.io", "job-1", false},
		{strings.Replace(line, "containerd-shim", "less", 1), "/run/ingot/job-1", "ingot", "job-1", false},
		{line + "start\x00", "/", "ingot", "job-1", true},
		{line + "delete\x00", "/run/ingot/job-1", "ingot", "job-1", false},
		{"", "/run/ingot/job-1", "ingot", "job-1", false},
		{"containerd-shim-runc-v2\x00-namespace\x00ingot\x00-id\x00", "/", "ingot", "job-1", false},
		{nameless, "/run/ingot/job-1", "ingot", "job-1", true},
		{nameless, "/run/ingot/job-2", "ingot", "job-1", false},
		{nameless, "/run/other/job-1", "ingot", "job-1", false},
		{nameless, "", "ingot", "job-1", false},
	} {
		if got := isShim([]byte(tt.line), tt.bundle, tt.namespace, tt.id); got != tt.want {
			t.Errorf("isShim(%q, %s, %s) = %v", tt.line, tt.namespace, tt.id, got)
		}
	}
}

func TestFilterQuotesLabels(t *testing.T) {
	got := filter(map[string]string{"b": `x"y,z`, "a.b/c": ""})
	if want := `labels."a.b/c"=="",labels."b"=="x\"y,z"`; got != want {
		t.Errorf("filter %s, want %s", got, want)
	}
}

func TestImageIsAsOldAsItsNewestLayer(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	for _, tt := range []struct {
		history []v1.History
		want    time.Time
	}{
		{nil, time.Time{}},
		{[]v1.History{{Created: &early}, {Created: &late}}, late},
		{[]v1.History{{Created: &late}, {Created: nil}}, time.Time{}},
	} {
		if got := newest(tt.history); !got.Equal(tt.want) {
			t.Errorf("newest = %v, want %v", got, tt.want)
		}
	}
}

// A tag alone is no name.
func TestNamesOfArchives(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "latest": "", "1.0": "", "py:1": "py:1", "example.org/py": "example.org/py",
		"example.org/py:1@sha256:ab": "example.org/py:1@sha256:ab", "localhost/py:latest": "localhost/py:latest",
	} {
		if got := moreThanTag(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// shimEnds opens the streams as a shim does.
func shimEnds(t *testing.T, s *streams) (in, out, serr *os.File) {
	t.Helper()
	open := func(name string, mode int) *os.File {
		f, err := os.OpenFile(s.path(name), mode, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	return open("stdin", os.O_RDONLY), open("stdout", os.O_WRONLY), open("stderr", os.O_WRONLY)
}

func TestStreams(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fifos", "c1")
	s, err := openStreams(dir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.in.WriteString("early"); err != nil { // before the shim has come
		t.Fatal(err)
	}
	in, out, serr := shimEnds(t, s)
	if err := s.release(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("result"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(out.Close(), serr.Close(), s.in.Close()); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]io.Reader{"early": in, "result": s.out, "": s.err} {
		if got, err := io.ReadAll(end); string(got) != name || err != nil {
			t.Errorf("read %q, %v; want %q and an end", got, err, name)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("FIFOs are left: %v", err)
	}
}

// An input whose process is gone fails to be written, instead of filling up.
func TestStdinWithoutReader(t *testing.T) {
	s, err := openStreams(filepath.Join(t.TempDir(), "c1"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	in, _, _ := shimEnds(t, s)
	if err := errors.Join(s.release(), in.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.in.Write(make([]byte, 1<<20)); !errors.Is(err, unix.EPIPE) {
		t.Errorf("write: %v, want EPIPE", err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// Somebody who holds an output open cannot keep its reader for ever, nor cost
// it what was written.
func TestOutputThatNeverEnds(t *testing.T) {
	s, err := openStreams(filepath.Join(t.TempDir(), "c1"), 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	_, out, _ := shimEnds(t, s)
	if err := s.release(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("all there is"); err != nil {
		t.Fatal(err)
	}
	s.ended()
	got, err := io.ReadAll(s.out)
	if string(got) != "all there is" || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %q, %v; want the text and a deadline", got, err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// Closing frees whoever waits, and what nobody read is no obstacle.
func TestStreamsCloseInUse(t *testing.T) {
	s, err := openStreams(filepath.Join(t.TempDir(), "c1"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 2)
	go func() { _, err := s.in.Write(make([]byte, 1<<20)); results <- err }()
	go func() { _, err := s.out.Read(make([]byte, 1)); results <- err }()
	s.drain()
	if err := s.close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-results; !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v, want a closed file", err)
		}
	}
}

// A process that has no descriptors left gets an error, and loses none of those
// that it had.
func TestStreamsWithoutDescriptors(t *testing.T) {
	warm, err := openStreams(filepath.Join(t.TempDir(), "warm"), time.Minute) // opens Go's poller
	if err := errors.Join(err, warm.close()); err != nil {
		t.Fatal(err)
	}
	before, refused := descriptors(t), 0
	for most := uint64(0); ; most++ {
		s, err := openWith(t, most)
		if err == nil {
			err = s.close()
		} else if refused++; s != nil || !errors.Is(err, unix.EMFILE) {
			t.Errorf("up to %d descriptors: %v, %v", most, s, err)
		}
		if now := descriptors(t); now != before {
			t.Fatalf("up to %d descriptors: %d are open, and were %d (%v)", most, now, before, err)
		}
		if err == nil {
			break
		}
	}
	if refused < 6 { // each stream has two
		t.Errorf("refused %d times", refused)
	}
}

// openWith opens streams in a process that may have so many descriptors.
func openWith(t *testing.T, most uint64) (*streams, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "c1")
	var usual unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &usual); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &usual); err != nil {
			t.Error(err)
		}
	}()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: usual.Max}); err != nil {
		t.Fatal(err)
	}
	return openStreams(dir, time.Minute)
}

// descriptors counts those of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
