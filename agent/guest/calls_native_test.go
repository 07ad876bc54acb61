//go:build native

package guest

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/grading"
	"github.com/ingot-grading/ingot/wire/student"
)

// calls is the built program in a root of its own, called as scripts call it.
type calls struct {
	t    *testing.T
	root string
}

func newCalls(t *testing.T) *calls {
	t.Helper()
	needRoot(t)
	privateMounts(t)
	root, undo := makeRoot(t, programs(t))
	t.Cleanup(undo)
	place(t, root, nil)
	give(t, root)
	return &calls{t, root}
}

func (c *calls) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/ingot/"+name, args...)
	cmd.Dir, cmd.Env = "/task", []string{"PATH=/ingot:/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/task"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root}
	return cmd
}

// run runs a command to its end.
func (c *calls) run(stdin, name string, args ...string) (stdout string, code int) {
	c.t.Helper()
	cmd := c.command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var exit *exec.ExitError
	out, err := cmd.Output()
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// feedback runs a command and returns the feedback file that it leaves.
func (c *calls) feedback(stdin, name string, args ...string) (text string, code int) {
	c.t.Helper()
	path := c.root + "/.__output/__feedback.json"
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	_, code = c.run(stdin, name, args...)
	b, err := os.ReadFile(path)
	if err != nil && (code == 0 || !errors.Is(err, os.ErrNotExist)) {
		c.t.Fatal(err)
	}
	return string(b), code
}

// A disk without room for files or bytes costs no feedback that was given before.
func TestFullDiskKeepsTheFeedback(t *testing.T) {
	c := newCalls(t)
	dir := c.root + "/.__output"
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,nr_inodes=3,mode=777"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	_, first := c.run("", "feedback-result", "failed")
	if err := os.WriteFile(dir+"/last", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, second := c.run(strings.Repeat("x", 70_000), "feedback-msg")
	_, third := c.run("", "feedback-grade", "7")
	got, err := os.ReadFile(dir + "/__feedback.json")
	if string(got) != `{"result": "failed", "grade": 7.0}` || err != nil || first != 0 || second != 1 || third != 0 {
		t.Errorf("%.200s, %v, exit %d, %d, %d", got, err, first, second, third)
	}
}

// sendable is a value as it is stored: what JSON has no number for as text
// (TOOLKIT.md 12, F5). Integers of more than 64 bits are refused (F7).
func sendable(text string) (_ string, ok bool) {
	text = regexp.MustCompile(`-?Infinity|NaN`).ReplaceAllStringFunc(text, func(n string) string {
		return map[string]string{"NaN": `"nan"`, "Infinity": `"inf"`, "-Infinity": `"-inf"`}[n]
	})
	for _, digits := range regexp.MustCompile(`-?[\d.e+-]*\d`).FindAllString(text, -1) {
		n, isInt := new(big.Int).SetString(digits, 10)
		if isInt && !n.IsInt64() && !n.IsUint64() {
			return "", false
		}
	}
	return text, true
}

// The recorded functions as scripts see them, through the commands that have them.
func TestBuiltProgramKeepsToRecordedFunctions(t *testing.T) {
	c := newCalls(t)
	unitCases(t, func(u unitCase, want unitOutcome) {
		v, err := pyjson.Parse(string(u.In))
		if err != nil {
			t.Fatal(err)
		}
		in, _ := v.(string)
		if !utf8.ValidString(in) {
			return // no argument has it, and standard input may not
		}
		if strings.Contains(in, "\x00") && u.Fn != "escape" && u.Fn != "lines" {
			return // no argument has it
		}
		got, expected, code := c.call(u.Fn, in, v, want)
		if expected == "" && u.Fn != "str" {
			want.Error = true
		}
		if (code != 0) != want.Error || code == 0 && got != expected {
			t.Errorf("%s: exit %d, got %q, want %q (error %v)", u.name(), code, got, expected, want.Error)
		}
	})
}

// call calls a command that shows what a function does with in, or with v where
// that is no text. It returns what the command gave and what is expected; nothing
// if the command has a reason of its own to fail.
func (c *calls) call(fn, in string, v any, want unitOutcome) (got, expected string, code int) {
	var out any
	if !want.Error {
		var err error
		if out, err = pyjson.Parse(string(want.Out)); err != nil {
			c.t.Fatal(err)
		}
	}
	text, _ := out.(string)
	switch fn {
	case "float":
		got, code = c.feedback("", "feedback-grade", "--", in)
		if text == "NaN" || strings.HasSuffix(text, "Infinity") {
			return got, "", code
		}
		return got, `{"grade": ` + text + `}`, code
	case "int":
		got, code = c.run("a", "rst-indent", "--amount="+in, "-c", "")
		if len(text) > 9 {
			return got, "", code // more than memory holds
		}
		return got, "a\n\n", code
	case "custom", "json":
		args := []string{"--", "k", in}
		if fn == "json" {
			args = append([]string{"-j"}, args...)
		}
		got, code = c.feedback("", "feedback-custom", args...)
		if stored, ok := sendable(text); ok {
			expected = `{"custom": {"k": ` + stored + `}}`
		}
		return got, expected, code
	}
	return c.callText(fn, in, v, out)
}

// callText is the part of call whose functions take texts apart.
func (c *calls) callText(fn, in string, v, out any) (got, expected string, code int) {
	c.t.Helper()
	text, _ := out.(string)
	switch fn {
	case "escape":
		got, code = c.feedback(in, "feedback-msg", "-e")
		return got, `{"text": ` + jsonText(c.t, text) + `}`, code
	case "lines":
		got, code = c.run(in, "rst-indent", "-a", "0")
		all, _ := out.([]any)
		for _, line := range all {
			expected += line.(string) + "\n"
		}
		return got, expected + "\n", code
	case "dedent":
		args := v.([]any)
		got, code = c.run(args[2].(string), "rst-indent", "-a", string(args[0].(pyjson.Int)), "-c", args[1].(string))
		if args[2] != "" {
			text += "\n"
		}
		return got, text + "\n", code
	case "str":
		place(c.t, c.root, map[string]blob{"/.__input/__inputdata.json": blob(`{"input": {"k": ` + in + `}}`)})
		got, code = c.run("", "getinput", "k")
		return got, text, code
	case "ext":
		name := in[strings.LastIndexByte(in, '/')+1:]
		if name == "" || name == "." || name == ".." {
			got, code = c.run("", "rst-image", "--", in)
			return got, "", code // it names a directory
		}
		path := in
		if !filepath.IsAbs(path) {
			path = "/task/" + in
		}
		if err := os.RemoveAll(c.root + "/task"); err != nil { // the last one's directory may be this one's file
			c.t.Fatal(err)
		}
		place(c.t, c.root, map[string]blob{path: "x"})
		got, code = c.run("", "rst-image", "--", in)
		return got, "\n\n.. raw:: html\n\n\t<img src=\"data:image/" + text + ";base64,eA==\">\n\n", code
	case "shlex":
		return c.words(in, out)
	}
	c.t.Fatalf("no function %q", fn)
	return "", "", 0
}

// words has a student container split a command line, and print the words.
func (c *calls) words(line string, out any) (got, expected string, code int) {
	c.t.Helper()
	path := c.root + "/__parent.sock"
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		c.t.Fatal(err)
	}
	defer l.Close()
	cmd := c.command("_run_student_intern", "runc", "docker")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	conn, err := l.AcceptUnix()
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	r, w, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Close()
	line = `printf '%s\0' ` + line
	_, err = student.Hand(conn, [3]*os.File{r, w, w}, student.Command{Command: &line, WorkingDir: "/task", User: "worker"})
	if err := errors.Join(err, w.Close()); err != nil {
		c.t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = cmd.Wait() // the code is looked at
	words, _ := out.([]any)
	for _, word := range words {
		expected += word.(string) + "\x00"
	}
	if len(words) == 0 {
		expected = "\x00" // so does printf with nothing to print
	}
	return string(b), expected, cmd.ProcessState.ExitCode()
}

// The recorded command lines, up to what a student container would be told.
func TestBuiltProgramAsksAsRecorded(t *testing.T) {
	c := newCalls(t)
	router, err := mainsock.Listen(c.root+"/sockets/main.sock", os.Geteuid(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close()
	eachCase(t, "toolkit_args_cases", func(a argsCase) {
		cmd := c.command(a.Cmd[0], a.Cmd[1:]...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if a.Request != nil {
			a.check(t, c.asked(router, cmd))
		}
		_ = cmd.Wait() // the code is looked at
		if code := cmd.ProcessState.ExitCode(); code != a.Exit {
			t.Errorf("%q: exit %d, want %d: %s", a.Cmd, code, a.Exit, said.String())
		}
	})
}

// asked plays the main process and the student container of one call, which ends
// with 0, and returns what they were told.
func (c *calls) asked(router *mainsock.Router, cmd *exec.Cmd) map[string]any {
	c.t.Helper()
	r := <-router.Requests()
	for !r.Take() { // the end of the call before
		r = <-router.Requests()
	}
	m, err := grading.Decode(r.Payload)
	if err != nil {
		c.t.Fatal(err)
	}
	req := m.(*grading.RunStudent)
	reply(r.Peer, "run_student_started", "container_id", "c")
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(c.root, "sockets", req.SocketID+".sock"), Net: "unix"})
	if err != nil {
		c.t.Fatal(err)
	}
	_, told, files, err := student.Join(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range files {
		f.Close()
	}
	conn.Close()
	again := <-router.Requests() // the dummy message
	again.Take()
	reply(r.Peer, "run_student_retval", "retval", pyjson.Int("0"))
	if root := told.User == "root"; root != req.RunAsRoot || told.SSH != req.SSH {
		c.t.Errorf("%q: %+v, but %+v", cmd.Args, told, req)
	}
	return map[string]any{
		"command": told.Command, "environment": req.Environment, "time_limit": req.TimeLimit, "hard_time_limit": req.HardLimit,
		"memory_limit": req.MemoryLimit, "share_network": req.ShareNetwork, "ssh": req.SSH, "run_as_root": req.RunAsRoot,
		"teardown_script": told.Teardown,
	}
}

func reply(p *mainsock.Peer, kind, key string, value any) {
	o := new(pyjson.Object)
	o.Set("type", kind)
	o.Set(key, value)
	p.Reply(pyjson.AppendMsgpack(nil, o), nil)
}
