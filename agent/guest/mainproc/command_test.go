package mainproc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/input"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/grading"
)

func object(pairs ...any) *pyjson.Object {
	o := new(pyjson.Object)
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

func TestWhatIsRun(t *testing.T) {
	root := newRoot(t)
	write(t, root+"/bin/sh", "", 0o755)
	j := &job{root: root}
	for _, step := range []struct{ file, want string }{ // each comes before those above
		{"", ""},
		{"/course/run.sh", "/bin/sh /course/run.sh"},
		{"/course/run.py", "inginious-ipython /course/run.py"},
		{"/course/run", "/course/run"},
		{"/course/common/run.sh", "/bin/sh /course/common/run.sh"},
		{"/bin/bash", "/bin/bash /course/common/run.sh"},
		{"/task/run.sh", "/bin/bash /task/run.sh"},
		{"/task/run.py3", "inginious-ipython /task/run.py3"},
		{"/task/run", "/task/run"},
	} {
		if step.file != "" {
			write(t, root+step.file, "", 0o644)
		}
		for _, blank := range []any{nil, "", " \t"} { // as good as no command
			got, err := j.findCommand(object("run_cmd", blank))
			if err != nil || strings.Join(got, " ") != step.want {
				t.Errorf("%s, %q: %q, %v, want %s", step.file, blank, got, err, step.want)
			}
		}
	}
	got, err := j.findCommand(object("run_cmd", `make 'a b'`))
	if err != nil || !slices.Equal(got, []string{"make", "a b"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := j.findCommand(object("run_cmd", `make '`)); err == nil {
		t.Errorf("%q", got)
	}
}

// A script of the task that was not executable becomes so, one of another place not.
func TestScriptIsMadeExecutable(t *testing.T) {
	root := newRoot(t)
	j := &job{root: root}
	for path, want := range map[string]os.FileMode{"/task/run": 0o744, "/course/run": 0o644} {
		write(t, root+path, "", 0o644)
		if got, err := j.program(path); err != nil || got != path || mode(t, root+path) != want {
			t.Errorf("%s: %s, %v, mode %o", path, got, err, mode(t, root+path))
		}
	}
}

func TestDebugModes(t *testing.T) {
	for _, c := range []struct {
		value  any
		forced bool
		want   debugMode
	}{
		{nil, false, debugOff}, {false, false, debugOff}, {pyjson.Int("0"), false, debugOff}, {"", false, debugOff},
		{nil, true, debugOn}, {true, false, debugOn}, {"yes", false, debugOn}, {[]any{nil}, false, debugOn},
		{"ssh", false, debugSSH}, {"ssh", true, debugSSH},
	} {
		if got := parseDebug(object("debug", c.value), c.forced); got != c.want {
			t.Errorf("%v, %v: %d, want %d", c.value, c.forced, got, c.want)
		}
	}
}

// Without debugging nobody sees what the script printed.
func TestOutputIsNotShown(t *testing.T) {
	command := `sh -c 'echo out; echo {\"a\": 1} > ../.__output/__feedback.json'`
	b, err := grading.Append(nil, &grading.Start{Input: []byte{0x80}, RunCmd: &command, SharedKernel: true})
	if err != nil {
		t.Fatal(err)
	}
	_, r := grade(t, newRoot(t), b)
	if !slices.Equal(r.Keys(), []string{"a", "archive"}) {
		t.Errorf("result has %q", r.Keys())
	}
}

// What a script leaves running could still change its archive and feedback.
func TestWhatIsLeftRunningIsEnded(t *testing.T) {
	root := newRoot(t)
	pipe := filepath.Join(root, "tmp", "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(pipe, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	grade(t, root, startFrame(t, `sh -c 'exec > ../tmp/pipe; sleep 1000 &'`))
	if err := f.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestInputIsWritten(t *testing.T) {
	root := newRoot(t)
	write(t, root+"/old", "old", 0o600)
	dir := filepath.Dir(root + input.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root+"/old", dir+"/__inputfile_9"); err != nil {
		t.Fatal(err)
	}
	j := &job{root: root}
	err := j.writeInput(object("type", "start", "input", object(
		"b", object("filename", "f", "value", pyjson.Bytes("\xff")),
		"three", object("filename", "f", "value", "v", "more", nil),
		"n", object("value", nil, "filename", "f"),
		"s", object("filename", "f", "value", "é"),
	)))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type": "start", "input": {"b": {"filename": "f", "value": "/.__input/__inputfile_0"}, ` +
		`"three": {"filename": "f", "value": "v", "more": null}, "n": {"value": null, "filename": "f"}, ` +
		`"s": {"filename": "f", "value": "/.__input/__inputfile_2"}}}`
	for path, want := range map[string]string{input.Path: want, "/.__input/__inputfile_0": "\xff", "/.__input/__inputfile_2": "é"} {
		if b, err := os.ReadFile(root + path); err != nil || !bytes.Equal(b, []byte(want)) {
			t.Errorf("%s: %s, %v", path, b, err)
		}
	}
	err = writeFile(dir+"/__inputfile_9", nil)
	if old, readErr := os.ReadFile(root + "/old"); string(old) != "old" || errors.Join(err, readErr) != nil {
		t.Errorf("behind a link is %q, %v, %v", old, err, readErr)
	}
	if j.writeInput(object("input", object("x", pyjson.Bytes("b")))) == nil {
		t.Error("bytes were taken as JSON")
	}
}
