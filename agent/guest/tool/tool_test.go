package tool_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/feedback"
	"github.com/ingot-grading/ingot/agent/guest/input"
	"github.com/ingot-grading/ingot/agent/guest/tool"
)

// newRoot is a container's root directory with what a job has there.
func newRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	err := errors.Join(os.Mkdir(root+"/task", 0o755), os.Mkdir(root+"/archive", 0o755), os.Mkdir(root+"/.__input", 0o755))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// call calls a command with no input and returns what it prints.
func call(t *testing.T, root string, c tool.Command, args ...string) (stdout string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	e := &tool.Env{Prog: "prog", Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Root: root, Dir: root + "/task/"}
	code = e.Exit(c(e))
	if code != 0 && out.Len()+errs.Len() == 0 {
		t.Errorf("%q: exit %d without a word", args, code)
	}
	return out.String(), code
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What the recorded calls do not say, or say otherwise.
func TestFeedbackOfCommands(t *testing.T) {
	for _, c := range []struct {
		command tool.Command
		args    []string
		code    int
		want    string
	}{
		{tool.TagSet, []string{"t", "true"}, 0, `{"tests": {"t": true}}`},
		{tool.TagSet, []string{"t", "True"}, 0, `{"tests": {"t": true}}`},
		{tool.TagSet, []string{"t", "TRUE"}, 0, `{"tests": {"t": false}}`},
		{tool.TagSet, []string{"*auto-tag-1", "true"}, 0, ""},
		{tool.Feedback, []string{"-e", "-f", `\x41`, "-f", `\x42\n`}, 0, `{"text": "B\n"}`},
		{tool.Feedback, []string{"-f", `\n`, "-c", "a:1", "-j", "b:2"}, 0, `{"text": "\\n", "custom": {"b": 2}}`},
		{tool.Feedback, []string{"-r", "failed", "-g", "x", "-f", "y"}, 1, `{"result": "failed"}`},
		{tool.FeedbackGrade, []string{"--", "-1e400"}, 1, ""},
	} {
		root := newRoot(t)
		if out, code := call(t, root, c.command, c.args...); code != c.code || out != "" {
			t.Errorf("%q: exit %d, %q", c.args, code, out)
		}
		b, err := os.ReadFile(root + feedback.Dir + "/" + feedback.Name)
		if string(b) != c.want || err != nil && c.want != "" {
			t.Errorf("%q: %s, %v, want %s", c.args, b, err, c.want)
		}
	}
}

const answers = `{"input": {"a": "x", "b": true, "c:d": "y", "s": "\ud800", "f": {"filename": "n", "value": "/task/\u0000"}}}`

func TestInputOfCommands(t *testing.T) {
	root := newRoot(t)
	write(t, root+input.Path, answers)
	for id, want := range map[string]struct {
		text string
		code int
	}{
		"a:z": {"x", 0}, "b": {"True", 0}, "c:d": {"y", 0}, "c": {"", 1}, "c:d:e": {"", 1}, "s": {"", 2}, "f:filename": {"n", 0}, "f": {"", 1},
	} {
		if out, code := call(t, root, tool.GetInput, id); code != want.code || out != want.text {
			t.Errorf("%s: exit %d, %q", id, code, out)
		}
	}
	for template, want := range map[string]struct {
		text string
		code int
	}{
		"@p@a@s@ @@c:d@@": {"pxs y", 0}, "@@b@@": {"", 2}, "@@s@@": {"", 2}, "\xff": {"", 2},
	} {
		write(t, root+"/task/t", template)
		_, code := call(t, root, tool.ParseTemplate, "-o", "new/dir/out", "t")
		b, err := os.ReadFile(root + "/task/new/dir/out")
		if code != want.code || string(b) != want.text || (err == nil) != (code == 0) {
			t.Errorf("%q: exit %d, %q, %v", template, code, b, err)
		}
		if err := os.RemoveAll(root + "/task/new"); err != nil {
			t.Fatal(err)
		}
	}
}

// A student's program may have put a link in the place of the output.
func TestTemplateFollowsNoLink(t *testing.T) {
	root := newRoot(t)
	write(t, root+input.Path, answers)
	write(t, root+"/task/t", "@@c:d@@")
	write(t, root+"/task/secret", "secret")
	if err := errors.Join(os.Symlink(root+"/task/secret", root+"/task/out"), os.WriteFile(root+"/task/run", nil, 0o600), os.Chmod(root+"/task/run", 0o751)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"out", "run"} {
		if _, code := call(t, root, tool.ParseTemplate, "-o", name, "t"); code != 0 {
			t.Errorf("%s: exit %d", name, code)
		}
	}
	for name, want := range map[string]string{"out": "y", "run": "y", "secret": "secret"} {
		if b, err := os.ReadFile(root + "/task/" + name); string(b) != want || err != nil {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if st, err := os.Stat(root + "/task/run"); err != nil || st.Mode() != 0o751 {
		t.Errorf("%v, %v, want the mode that it had", st.Mode(), err)
	}
	if names, err := filepath.Glob(root + "/task/.*"); err != nil || len(names) > 0 {
		t.Errorf("left: %q, %v", names, err)
	}
}

func TestBlocksOfText(t *testing.T) {
	root := newRoot(t)
	write(t, root+"/task/i.svg", "x")
	if out, code := call(t, root, tool.RstImage, "i.svg"); code != 0 || !strings.Contains(out, "data:image/svg+xml;base64,eA==") {
		t.Errorf("exit %d, %q", code, out)
	}
	if out, code := call(t, root, tool.RstIndent, "-a", "65537", "-m", "x"); code != 1 || out != "" {
		t.Errorf("an amount beyond reason: exit %d, %d bytes", code, len(out))
	}
	if out, code := call(t, root, tool.RstIndent, "-a", "-2", "-c", "ab", "-m", "abababab"); code != 0 || out != "abab\n\n" {
		t.Errorf("exit %d, %q", code, out)
	}
}
