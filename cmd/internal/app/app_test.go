package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type config struct {
	Flags
	Address string `arg:"" help:"Where."`
	Limit   int    `default:"7" help:"How many."`
}

// call runs a program with args and returns its status and what it wrote.
func call(t *testing.T, run func(context.Context, *Process[config]) error, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = start(program{"test-daemon", "A daemon.", args, &out, &err}, run)
	return status, out.String(), err.String()
}

func TestExitStatus(t *testing.T) {
	wrong := errors.New("no such\naddress")
	for name, c := range map[string]struct {
		err    error
		status int
		stderr string
	}{
		"success":       {nil, 0, ""},
		"failure":       {wrong, 1, "test-daemon: no such; address\n"},
		"usage":         {Usage(wrong), ExitUsage, "test-daemon: no such; address\n"},
		"wrapped usage": {fmt.Errorf("listen: %w", Usage(wrong)), ExitUsage, "test-daemon: listen: no such; address\n"},
		"setting":       {Setting(wrong), ExitUsage, "test-daemon: no such; address\n"},
		"no directory":  {Setting(fmt.Errorf("open: %w", syscall.ENOTDIR)), ExitUsage, "test-daemon: open: not a directory\n"},
		"may pass":      {Setting(fmt.Errorf("listen: %w", syscall.EADDRINUSE)), 1, "test-daemon: listen: address already in use\n"},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, stderr := call(t, func(context.Context, *Process[config]) error { return c.err }, "here", "--log-format=text")
			if status != c.status || stderr != c.stderr {
				t.Errorf("status %d, stderr %q; want %d, %q", status, stderr, c.status, c.stderr)
			}
		})
	}
	if Usage(nil) != nil || Setting(nil) != nil {
		t.Error("Usage(nil) or Setting(nil) is an error")
	}
}

// What ends a program is a line of its log like any other, also when the program
// could not start.
func TestLastLine(t *testing.T) {
	lost := func(context.Context, *Process[config]) error { return errors.New("a \"lost\"\npeer") }
	for want, args := range map[string][]string{
		`a "lost"; peer`:  {"here"},
		`"no" is no kind`: {"here", "--log-format=json"},
		"--colour":        {"here", "--colour"},
	} {
		run := lost
		if strings.Contains(want, "kind") {
			run = func(context.Context, *Process[config]) error { return Usage(errors.New(want)) }
		}
		_, _, stderr := call(t, run, args...)
		var line struct{ Time, Level, Msg, Program, Err string }
		err := json.Unmarshal([]byte(stderr), &line)
		if err != nil || line.Time == "" || line.Level != "ERROR" || line.Msg != "ended" || line.Program != "test-daemon" || !strings.Contains(line.Err, want) {
			t.Errorf("%q: %q, %v", args, stderr, err)
		}
	}
	for format, want := range map[string]string{"text": "test-daemon: lost\n", "journal": "<3>test-daemon: lost\n"} {
		_, _, stderr := call(t, func(context.Context, *Process[config]) error { return errors.New("lost") }, "here", "--log-format", format)
		if stderr != want {
			t.Errorf("%s: %q, want %q", format, stderr, want)
		}
	}
}

func TestCommandLine(t *testing.T) {
	refuse := func(context.Context, *Process[config]) error { return errors.New("must not run") }
	for name, args := range map[string][]string{
		"no argument":  {},
		"unknown flag": {"here", "--colour"},
		"not a number": {"here", "--limit=many"},
		"no file":      {"here", "--config=/does/not/exist"},
		"log format":   {"here", "--log-format=xml"},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, stderr := call(t, refuse, args...)
			if status != ExitUsage || strings.Count(stderr, "\n") != 1 {
				t.Errorf("status %d, stderr %q; want 2 and one line", status, stderr)
			}
		})
	}
	for _, flag := range []string{"--help", "--version"} {
		if status, stdout, stderr := call(t, refuse, flag); status != 0 || !strings.Contains(stdout, "test-daemon") || stderr != "" {
			t.Errorf("%s: status %d, stdout %q, stderr %q", flag, status, stdout, stderr)
		}
	}
}

func TestWhereValuesComeFrom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "daemon.env")
	if err := os.WriteFile(file, []byte("# comment\n\nOTHER_LIMIT=5\nlimit = \"8\"\nverbose = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(args ...string) (got config) {
		status, _, stderr := call(t, func(_ context.Context, p *Process[config]) error { got = *p.Config; return nil }, args...)
		if status != 0 {
			t.Fatal(stderr)
		}
		return got
	}
	if got := read("here"); got.Limit != 7 || got.Address != "here" || got.Verbose {
		t.Errorf("defaults: %+v", got)
	}
	if got := read("here", "--config", file); got.Limit != 8 || !got.Verbose {
		t.Errorf("file: %+v", got)
	}
	if err := os.WriteFile(file+".bad", []byte("limits=8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := call(t, nil, "here", "--config", file+".bad"); status != ExitUsage || !strings.Contains(stderr, file+".bad: unknown setting limits") {
		t.Errorf("typing error in the file: status %d, stderr %q", status, stderr)
	}
	t.Setenv("TEST_DAEMON_LIMIT", "9")
	if got := read("here", "--config", file); got.Limit != 9 {
		t.Errorf("environment over file: %+v", got)
	}
	if got := read("here", "--config", file, "--limit=10", "-v", "--debugmode"); got.Limit != 10 || !got.Debugmode {
		t.Errorf("command line over all: %+v", got)
	}
}

func TestSignals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "daemon.env")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("limit=1")
	logged := make(lineWriter, 1)
	status := start(program{"test-daemon", "", []string{"here", "--config", file}, logged, logged}, func(ctx context.Context, p *Process[config]) error {
		write("limit=broken")
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			return err
		}
		if line := <-logged; !strings.Contains(line, "configuration not reloaded") {
			return errors.New(line)
		}
		write("limit=2")
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			return err
		}
		if c := <-p.Reloads; c.Limit != 2 || p.Config.Limit != 1 {
			return fmt.Errorf("reloaded %d over %d", c.Limit, p.Config.Limit)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		<-ctx.Done()
		if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) && cause.Error() == context.Canceled.Error() {
			return fmt.Errorf("cause does not name the signal: %w", cause)
		}
		return nil
	})
	if status != 0 {
		t.Errorf("status %d: %s", status, <-logged)
	}
}

// A program that reads its settings at the start alone says so after each SIGHUP.
func TestReloadsAreRefused(t *testing.T) {
	logged := make(lineWriter, 1)
	status := start(program{"test-daemon", "", []string{"here"}, logged, logged}, func(ctx context.Context, p *Process[config]) error {
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		go p.RefuseReloads(ctx)
		for range 2 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				return err
			}
			if line := <-logged; !strings.Contains(line, "needs a restart") {
				return errors.New(line)
			}
		}
		return nil
	})
	if status != 0 {
		t.Errorf("status %d: %s", status, <-logged)
	}
}

// lineWriter hands on what is written to it.
type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

func TestLogFormats(t *testing.T) {
	var out bytes.Buffer
	slog.New(handler(&out, "auto", false)).Info("started", "n", 1)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["msg"] != "started" {
		t.Errorf("neither terminal nor journal: %q, want JSON", out.String())
	}

	out.Reset()
	log := slog.New(handler(&out, "journal", false)).With("peer", 3)
	log.Debug("hidden")
	log.Info("i")
	log.Warn("w")
	log.WithGroup("g").Error("e", "k", "v")
	if want := "<6>msg=i peer=3\n<4>msg=w peer=3\n<3>msg=e peer=3 g.k=v\n"; out.String() != want {
		t.Errorf("journal:\n%swant:\n%s", out.String(), want)
	}

	out.Reset()
	slog.New(handler(&out, "text", true)).Debug("shown")
	if !strings.Contains(out.String(), "DBG shown") {
		t.Errorf("text: %q", out.String())
	}
}

// What strangers make up neither floods a log, nor adds lines to it, nor speaks to
// a terminal.
func TestLogOfStrangers(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	for _, format := range []string{"text", "journal", "json"} {
		var out bytes.Buffer
		log := slog.New(handler(&out, format, false))
		log.Info("long", "text", long, "err", fmt.Errorf("peer: %w", errors.New(long)))
		if out.Len() > 3*maxLogged || !strings.Contains(out.String(), "10485760 bytes") {
			t.Errorf("%s: %d bytes", format, out.Len())
		}
		out.Reset()
		log.Info("evil", "text", "a\n<0>b\x1b[2J\r", "err", errors.New("c\n\x1b]0;d\x07"))
		if n := strings.Count(out.String(), "\n"); n != 1 || strings.ContainsAny(out.String(), "\x1b\x07\r") {
			t.Errorf("%s: %q", format, out.String())
		}
	}
}

func TestJournalIsRecognised(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if guess(f) != "json" {
		t.Errorf("guessed %s without a journal", guess(f))
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", st.Dev, st.Ino))
	if guess(f) != "journal" {
		t.Errorf("guessed %s with a journal", guess(f))
	}
	start(program{"test-daemon", "", []string{"here"}, f, f}, func(context.Context, *Process[config]) error { return errors.New("lost") })
	if text, err := os.ReadFile(f.Name()); err != nil || string(text) != "<3>test-daemon: lost\n" {
		t.Errorf("what ends a program has no priority in the journal: %q, %v", text, err)
	}
}

func TestServiceManager(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	sock, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "2000")
	heard := func() string {
		buf := make([]byte, 100)
		n, err := sock.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	var log bytes.Buffer
	p := &Process[config]{Log: slog.New(slog.NewTextHandler(&log, nil))}
	p.Ready()
	if got := heard(); got != "READY=1" {
		t.Errorf("heard %q", got)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	n := 0
	p.Watch(ctx, func(context.Context) error {
		switch n++; n {
		case 1:
			return errors.New("stuck")
		case 2:
			return nil
		default:
			cancel(errors.New("enough"))
			return ctx.Err()
		}
	})
	if got := heard(); got != "WATCHDOG=1" {
		t.Errorf("heard %q", got)
	}
	if strings.Count(log.String(), "not alive") != 1 {
		t.Errorf("log: %s", log.String())
	}
	p.Stopping()
	if got := heard(); got != "STOPPING=1" {
		t.Errorf("heard %q", got)
	}
}
