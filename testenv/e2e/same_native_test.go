//go:build native

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/testenv/images"
	"github.com/ingot-grading/ingot/wire"
)

// One set of task scripts gives the same results on an image as INGInious' own
// and on images that have ingot-init or are given it.
func TestSameScripts(t *testing.T) {
	l := newLegacy(t)
	r := start(t, "crun", func(cfg *grade.Config) { cfg.Guest = guestDir(t) })
	r.strangers("demo-bare")
	library, err := images.LegacyPrograms("inginious-ipython")
	if err != nil {
		t.Fatal(err)
	}
	r.load(r.runtime, images.Stranger("ingot.test/python:latest", "python", append(slices.Clip(l.root), library...)))
	l.bring(r, images.F4b)
	if err := os.CopyFS(filepath.Join(r.tasks, "c"), os.DirFS("testdata/tasks")); err != nil {
		t.Fatal(err)
	}
	r.task("silent", `exit 0`)
	r.task("rubbish", `echo rubbish > /.__output/__feedback.json`)
	r.file("nothing", "task.yaml", "")
	r.file("broken", "run", "no program")
	old, others := images.F4b.Env(), []string{"demo", "demo-bare", "python"}
	for task, c := range map[string]struct {
		says string // the old image
		envs []string
	}{
		"commands":  {" and more A", others},
		"pipes":     {"torn", others},
		"functions": {" code 6 in /task", []string{"python"}},
		"silent":    {"No feedback", others[:1]},
		"rubbish":   {"modified", others[:1]},
		"nothing":   {"could not be found", others[:1]},
		"broken":    {"non-executable", others[:1]},
	} {
		t.Run(task, func(t *testing.T) {
			want := r.told(t, old, task)
			if !strings.Contains(want["text"], c.says) {
				t.Errorf("%s says %q", old, want["text"])
			}
			for _, env := range c.envs {
				got := r.told(t, env, task)
				for field := range want {
					if g, w := differ(got[field], want[field]); g != w {
						t.Errorf("%s in %s: got %q, want %q", field, env, g, w)
					}
				}
			}
		})
	}
}

// differ returns what is left of two texts from where they begin to differ.
func differ(a, b string) (string, string) {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	return a, b
}

// told grades a task in debug mode and returns all that came of it, as text.
func (r *rig) told(t *testing.T, env, task string) map[string]string {
	t.Helper()
	r.env = env
	job := r.job(task, limits{})
	job.Debug, job.InputData = wire.DebugOn, submission()
	done := r.grade(job)
	return map[string]string{
		"status": done.Status, "text": done.Text, "grade": asJSON(t, msgp.AppendFloat64(nil, done.Grade)),
		"problems": asJSON(t, done.Problems), "custom": asJSON(t, done.Custom), "state": done.State,
		// Python's hash of a text differs from process to process.
		"tests":  regexp.MustCompile(`auto-tag--?\d+`).ReplaceAllString(asJSON(t, done.Tests), "auto-tag-#"),
		"stdout": done.Stdout.Value, "stderr": done.Stderr.Value, "archive": members(t, done.Archive),
	}
}

// submission has values of every kind.
func submission() []byte {
	b := msgp.AppendMapHeader(nil, 11)
	for _, f := range []struct {
		key   string
		value any
	}{
		{"code", "first line\nsecond é <&>\n"}, {"choices", []any{"1", "2"}}, {"number", 7}, {"real", 2.5}, {"yes", true},
		{"nothing", nil}, {"upload", map[string]any{"filename": "a b.txt", "value": []byte("bytes\nof it")}},
		{"@username", "ann,bob"}, {"@lang", "fr"}, {"@random", []any{0.25, 1e-7}}, {"@state", "before"},
	} {
		b = msgp.AppendString(b, f.key)
		b, _ = msgp.AppendIntf(b, f.value) // these it can
	}
	return b
}

func asJSON(t *testing.T, raw wire.Raw) string {
	t.Helper()
	if len(raw) == 0 {
		return "none"
	}
	var text strings.Builder
	var v any
	_, err := msgp.UnmarshalAsJSON(&text, raw)
	if err := errors.Join(err, json.Unmarshal([]byte(text.String()), &v)); err != nil {
		t.Fatal(err)
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(sorted)
}

// members lists an archive with what is in its files.
func members(t *testing.T, archive []byte) string {
	t.Helper()
	if len(archive) == 0 {
		return "none"
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for in := tar.NewReader(unzipped); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return list.String()
		}
		data, err2 := io.ReadAll(in)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal([]any{strings.TrimSuffix(h.Name, "/"), string(h.Typeflag), h.Mode, h.Uid, h.Gid, h.Linkname, string(data)})
		if err != nil {
			t.Fatal(err)
		}
		list.Write(append(b, '\n'))
	}
}

// An image may be empty if its grader and the answer are static programs: it has
// no shell, no user 4242, not even a directory.
func TestEmptyImage(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "grader")
	if err := images.BuildGrader(t.Context(), program); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range runtimes {
		t.Run(name, func(t *testing.T) {
			r := start(t, name, func(cfg *grade.Config) { cfg.Guest = guestDir(t) })
			r.load(r.runtime, images.Stranger("ingot.test/empty:latest", "empty", nil))
			r.awaitEnvironment(r.kind, "empty")
			r.env = "empty"
			for _, file := range []string{"run", "student/answer"} {
				r.file("static", file, string(data))
				if err := os.Chmod(filepath.Join(r.tasks, "c", "static", file), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			done := r.grade(r.job("static", limits{}))
			if done.Status != "success" || done.Text != "before by 4242, code 3" || !strings.Contains(members(t, done.Archive), `"before by 4242"`) {
				t.Errorf("got %s %q", done.Status, done.Text)
			}
		})
	}
}
