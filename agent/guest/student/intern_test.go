package student

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/guesttest"
	"github.com/ingot-grading/ingot/wire/student"
)

// A teardown of nothing but white space has no word: it is not run, and ends nothing.
func TestTeardownWithoutAWord(t *testing.T) {
	in := &intern{log: slog.New(slog.DiscardHandler)}
	in.tearDown(job{teardown: " \t\n", user: os.Geteuid()})
	if p, err := start(" \t\n", os.Geteuid(), [3]*os.File{}); !errors.Is(err, errNoCommand) {
		t.Errorf("started %v, %v", p, err)
	}
}

// The container's own input, which never ends, is not the teardown's.
func TestTeardownHasNoInput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.WriteString(w, "a frame\n"); err != nil {
		t.Fatal(err)
	}
	w.Close() // so that a teardown which has it ends
	old := os.Stdin
	defer func() { os.Stdin = old }()
	os.Stdin = r
	in, path := &intern{log: slog.New(slog.DiscardHandler)}, filepath.Join(t.TempDir(), "read")
	in.tearDown(job{teardown: "sh -c 'cat > " + path + "'", user: os.Geteuid()})
	if b, err := os.ReadFile(path); err != nil || len(b) > 0 {
		t.Errorf("the teardown read %q, %v", b, err)
	}
}

// shim is a student container's first process, whose command writes to what is
// returned with it.
func shim(t *testing.T) (*intern, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range []*os.File{stdin, r, w} {
			f.Close()
		}
	})
	return &intern{log: slog.New(slog.DiscardHandler), files: [3]*os.File{stdin, w, w}, signals: make(chan syscall.Signal)}, r
}

func TestExitCodesOfCommands(t *testing.T) {
	for command, want := range map[string]struct {
		code int
		text string
	}{
		"echo 'a  b' c":         {0, "a  b c\n"},
		"sh -c 'exit 7'":        {7, ""},
		"sh -c 'exit 200'":      {200, ""},
		"sh -c 'kill -KILL $$'": {247, ""},
		"":                      {0, noCommand},
		" \n":                   {0, noCommand},
		"no-such-program":       {127, "run_student: "},
		"/no/such/program":      {127, "run_student: "},
		"''":                    {127, "run_student: "},
		"/":                     {126, "run_student: "},
		"echo '":                {126, "run_student: "},
	} {
		in, out := shim(t)
		code := in.command(job{command: command, user: os.Geteuid()})
		in.files[1].Close()
		b, err := io.ReadAll(out)
		if code != want.code || err != nil || !strings.HasPrefix(string(b), want.text) || (want.text == "" && len(b) > 0) {
			t.Errorf("%q: exit %d, %q, %v", command, code, b, err)
		}
	}
}

// Where the containers share a kernel no command runs as root.
func TestRootIsRefused(t *testing.T) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	caller, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	code := make(chan int, 1)
	go func() { code <- serve(conn, slog.New(slog.DiscardHandler)) }()
	in, _ := shim(t)
	command := "true"
	if _, err := student.Hand(caller, in.files, student.Command{Command: &command, User: "root"}); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != exitNoRoot {
		t.Errorf("exit %d", got)
	}
}

func TestCommandGetsSignals(t *testing.T) {
	in, out := shim(t)
	code := make(chan int, 1)
	go func() {
		code <- in.command(job{command: `sh -c 'trap "exit 9" USR1; echo ready; while :; do :; done'`, user: os.Geteuid()})
	}()
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	in.signals <- syscall.SIGUSR1
	if got := <-code; got != 9 {
		t.Errorf("exit %d", got)
	}
}

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	st, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Mode().Perm()
}

// scriptsIn are those of a task in a directory, which belong to whoever runs the test.
func scriptsIn(path string) scripts { return scripts{path, os.Getuid(), os.Getuid()} }

func TestScriptsAreHiddenAndShown(t *testing.T) {
	top := t.TempDir()
	dir, file, link := filepath.Join(top, "dir"), filepath.Join(top, "file"), filepath.Join(top, "link")
	if err := errors.Join(os.Mkdir(dir, 0o750), os.WriteFile(file, nil, 0o600), os.Symlink(dir, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, filepath.Join(top, "none")} {
		s := scriptsIn(path)
		d, err := s.hide()
		if err := errors.Join(err, s.show(d), s.reveal()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if d, f := modeOf(t, dir), modeOf(t, file); d != 0o750 || f != 0o600 {
		t.Errorf("directory %o behind a link, file %o", d, f)
	}
	s := scriptsIn(dir)
	if os.Getuid() == 0 {
		s.shown = 4242
	}
	if err := errors.Join(os.Chmod(dir, 0o777), os.Chown(dir, s.shown, -1)); err != nil {
		t.Fatal(err)
	}
	hidden, err := s.hide()
	if err != nil || modeOf(t, dir) != 0o700 || uidOf(t, dir) != s.kept {
		t.Errorf("hidden: mode %o of %d, %v", modeOf(t, dir), uidOf(t, dir), err)
	}
	if err := s.show(hidden); err != nil || modeOf(t, dir) != 0o777 || uidOf(t, dir) != s.shown {
		t.Errorf("shown: mode %o of %d, %v", modeOf(t, dir), uidOf(t, dir), err)
	}
}

func uidOf(t *testing.T, path string) int {
	t.Helper()
	st, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(st.Sys().(*syscall.Stat_t).Uid)
}

// Sessions in several containers hide the scripts until the last one ends.
func TestLastSessionShowsScripts(t *testing.T) {
	s := scriptsIn(t.TempDir())
	first, err := s.hide()
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.hide()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.reveal(), s.show(first)); err != nil || modeOf(t, s.path) != 0o700 {
		t.Errorf("mode %o during the second session, %v", modeOf(t, s.path), err)
	}
	second.Close() // as if it were killed
	if err := s.reveal(); err != nil || modeOf(t, s.path) != 0o777 {
		t.Errorf("mode %o after all sessions, %v", modeOf(t, s.path), err)
	}
}

// A program of the student that exchanges the directory and a link all the time
// never has the link's target opened to all.
func TestScriptsAgainstARace(t *testing.T) {
	top := t.TempDir()
	dir, link, secret := filepath.Join(top, "scripts"), filepath.Join(top, "link"), filepath.Join(top, "secret")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Mkdir(secret, 0o700), os.Symlink(secret, link)); err != nil {
		t.Fatal(err)
	}
	s := scriptsIn(dir)
	stop := guesttest.Exchange(t, dir, link)
	for range 5000 {
		if err := s.reveal(); err != nil {
			t.Error(err)
			break
		}
	}
	stop()
	if m := modeOf(t, secret); m != 0o700 {
		t.Errorf("the link's target has mode %o", m)
	}
}
