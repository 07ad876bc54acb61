package vm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunGivesStreamsAndStatus(t *testing.T) {
	m := localMachine(t)
	cases := []struct {
		name     string
		stdin    io.Reader
		argv     []string
		out, err string
		code     int
	}{
		{"streams", strings.NewReader("in"), []string{"sh", "-c", "cat; echo err >&2"}, "in", "err\n", 0},
		{"words are kept", nil, []string{"printf", "%s|", "a b", "it's", "", "$HOME", "*", "\n", "\\"}, "a b|it's||$HOME|*|\n|\\|", "", 0},
		{"status", nil, []string{"sh", "-c", "exit 7"}, "", "", 7},
		{"a signal", nil, []string{"sh", "-c", "kill -9 $$"}, "", "", 137},
		{"input that is not read", strings.NewReader(strings.Repeat("x", 1<<20)), []string{"true"}, "", "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code, err := m.Run(t.Context(), c.stdin, &out, &errs, c.argv...)
			if err != nil || code != c.code || out.String() != c.out || errs.String() != c.err {
				t.Errorf("status %d, output %q, errors %q, %v", code, out.String(), errs.String(), err)
			}
		})
	}
}

func TestRunDoesNotWaitForItsInput(t *testing.T) {
	m := localMachine(t)
	r, w := io.Pipe()
	defer w.Close()
	if code, err := m.Run(t.Context(), r, nil, nil, "true"); code != 0 || err != nil {
		t.Errorf("status %d, %v", code, err)
	}
}

// onWrite calls itself at each write.
type onWrite func()

func (f onWrite) Write(p []byte) (int, error) { f(); return len(p), nil }

func TestRunEndsWithItsContext(t *testing.T) {
	m := localMachine(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	code, err := m.Run(ctx, nil, onWrite(func() { cancel(why) }), nil, "sh", "-c", "echo started; exec sleep 1000")
	if code != -1 || !errors.Is(err, why) {
		t.Errorf("status %d, %v; want the cause", code, err)
	}
	if code, err := m.Run(t.Context(), nil, nil, nil, "true"); code != 0 || err != nil {
		t.Errorf("the next command: status %d, %v", code, err)
	}
}

func TestPutAndGet(t *testing.T) {
	m := localMachine(t)
	here, there := t.TempDir(), t.TempDir()
	tree := filepath.Join(here, "tree")
	big := strings.Repeat("0123456789abcdef", 1<<16)
	write(t, filepath.Join(tree, "a/b/deep"), big)
	write(t, filepath.Join(tree, "run.sh"), "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(tree, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a/b/deep", filepath.Join(tree, "link")); err != nil {
		t.Fatal(err)
	}
	remote := filepath.Join(there, "not yet", "copy's")
	if err := m.Put(t.Context(), tree, remote); err != nil {
		t.Fatal(err)
	}
	if err := m.Put(t.Context(), filepath.Join(tree, "run.sh"), filepath.Join(remote, "one")); err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(here, "back")
	if err := m.Get(t.Context(), remote, back); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a/b/deep": big, "link": big, "one": "#!/bin/sh\n"} {
		if got, err := os.ReadFile(filepath.Join(back, name)); err != nil || string(got) != want {
			t.Errorf("%s came back with %d bytes, %v", name, len(got), err)
		}
	}
	if info, err := os.Stat(filepath.Join(back, "one")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	if err := m.Get(t.Context(), filepath.Join(there, "none"), back); err == nil {
		t.Error("got what is not there")
	}
	if err := m.Put(t.Context(), filepath.Join(here, "none"), remote); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("put what is not there: %v", err)
	}
	if err := m.Put(t.Context(), tree, "/proc/none/x"); err == nil {
		t.Error("put where nothing can be")
	}
}
