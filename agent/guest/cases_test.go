package guest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire/wiretest"
)

// The cases in testdata were recorded from INGInious' own programs. Where ours
// do better, testdata/mended.json has what they do, and why they differ.
var mend = flag.Bool("mend", false, "write what differs from the recorded cases to testdata/mended.json")

const mendedFile = "testdata/mended.json"

// blob is text, or bytes in base64.
type blob string

func (b *blob) UnmarshalJSON(j []byte) error {
	var bin struct{ B64 []byte }
	if json.Unmarshal(j, &bin) == nil {
		*b = blob(bin.B64)
		return nil
	}
	return json.Unmarshal(j, (*string)(b))
}

func (b blob) MarshalJSON() ([]byte, error) {
	if strings.ToValidUTF8(string(b), "") == string(b) {
		return json.Marshal(string(b))
	}
	return json.Marshal(map[string][]byte{"b64": []byte(b)})
}

// toolCase is one call of a command.
type toolCase struct {
	Name        string          `json:"name"`
	Cmd         []blob          `json:"cmd"`
	Stdin       blob            `json:"stdin"`
	FilesBefore map[string]blob `json:"files_before"`
	outcome
	StderrKind string `json:"stderr_kind"`
	Match      string `json:"match"`
	Quirk      string `json:"quirk"`
	User       string `json:"user"`
	Variants   map[string]outcome
}

// outcome is what a command did.
type outcome struct {
	Why        string          `json:"why,omitempty"` // in mended.json
	Exit       int             `json:"exit"`
	Stdout     blob            `json:"stdout"`
	FilesAfter map[string]blob `json:"files_after"`
	stderr     string
}

// lines calls f for each line of the cases file name, in testdata or, for other
// directories, as it is there.
func lines(t *testing.T, path string, f func(line []byte)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		f(s.Bytes())
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
}

func decodeLine[T any](t *testing.T, line []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatalf("%v: %.200s", err, line)
	}
	return v
}

const recordedTools = "testdata/toolkit_cases.jsonl.gz"

// toolCases are the cases in a file.
func toolCases(t *testing.T, file string) (cases []toolCase) {
	t.Helper()
	lines(t, file, func(line []byte) { cases = append(cases, decodeLine[toolCase](t, line)) })
	return cases
}

// eachCase calls f for each recorded case of a set, and for those of the same set
// in the folder $INGOT_CASES.
func eachCase[T any](t *testing.T, set string, f func(T)) {
	t.Helper()
	more, err := wiretest.CaseFiles(set + "*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append([]string{"testdata/" + set + ".jsonl.gz"}, more...) {
		n := 0
		lines(t, file, func(line []byte) {
			n++
			f(decodeLine[T](t, line))
		})
		fmt.Fprintf(t.Output(), "%s: %d cases\n", set, n)
	}
}

// mended reads what ours do otherwise, by the name of the case.
func mended(t *testing.T) map[string]outcome {
	t.Helper()
	b, err := os.ReadFile(mendedFile)
	if err != nil {
		t.Fatal(err)
	}
	return decodeLine[map[string]outcome](t, b)
}

// runTool runs a case in a root directory that holds its files.
type runTool func(t *testing.T, c toolCase, root string) outcome

// checkTools runs all cases with run and compares.
func checkTools(t *testing.T, run runTool) {
	ours, used := mended(t), make(map[string]outcome)
	eachCase(t, "toolkit_cases", func(c toolCase) {
		t.Run(c.Name, func(t *testing.T) {
			root := t.TempDir()
			place(t, root, c.FilesBefore)
			got := run(t, c, root)
			got.FilesAfter = snapshot(t, root)
			got = normal(c, got)
			want, isOurs := ours[c.Name]
			if !isOurs || !same(normal(c, want), got) {
				want = c.outcome
			}
			if got.stderr != "" && got.Exit == 0 && c.StderrKind == "empty" && !isOurs {
				t.Errorf("standard error is not empty: %s", got.stderr)
			}
			if same(normal(c, want), got) {
				return
			}
			got.Why = c.Quirk
			if used[c.Name] = got; *mend {
				return
			}
			t.Errorf("%q\n got %s\nwant %s\nstderr %s", c.Cmd, show(got), show(normal(c, want)), got.stderr)
		})
	})
	if *mend {
		maps.Copy(ours, used)
		b, err := json.MarshalIndent(ours, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(mendedFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func same(a, b outcome) bool {
	return a.Exit == b.Exit && a.Stdout == b.Stdout && maps.Equal(a.FilesAfter, b.FilesAfter)
}

func show(o outcome) string {
	b, err := json.Marshal(o)
	return fmt.Sprintf("%s %v", b, err)
}

var (
	autoTag  = regexp.MustCompile(`\*auto-tag-(-?\d+|<INT64>)`)
	tplError = regexp.MustCompile(`(?s)(::\\n   \\n).*?(\\n\\tPlease contact)`)
)

// normal replaces what is free in an outcome.
func normal(c toolCase, o outcome) outcome {
	files := make(map[string]blob, len(o.FilesAfter))
	for path, text := range o.FilesAfter {
		if c.Match == "auto-tag" {
			text = blob(autoTag.ReplaceAllString(string(text), "*auto-tag-#"))
		}
		if strings.HasPrefix(c.Match, "tpl-error") {
			text = blob(tplError.ReplaceAllString(string(text), "${1}#${2}"))
		}
		files[path] = text
	}
	o.FilesAfter = files
	if c.Match == "help" && o.Stdout != "" {
		o.Stdout = "<HELP>"
	}
	return o
}

// watched are the directories that a case may change.
var watched = []string{"/.__input", "/.__output", "/archive", "/task"}

// place writes the files of a case. A name that ends with a slash is a directory.
func place(t *testing.T, root string, files map[string]blob) {
	t.Helper()
	for _, d := range []string{"/archive", "/task", "/tmp"} {
		files = maps.Clone(files)
		if files == nil {
			files = make(map[string]blob)
		}
		files[d+"/"] = ""
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		dir := filepath.Dir(root + path)
		if strings.HasSuffix(path, "/") {
			dir = root + path
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "/") {
			continue
		}
		if err := os.WriteFile(root+path, []byte(files[path]), 0o777); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot reads all files of the watched directories, and names the empty
// directories among them.
func snapshot(t *testing.T, root string) map[string]blob {
	t.Helper()
	out := make(map[string]blob)
	for _, top := range watched {
		err := filepath.WalkDir(root+top, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := strings.TrimPrefix(path, root)
			if d.IsDir() {
				entries, err := os.ReadDir(path)
				if len(entries) == 0 && name != top {
					out[name+"/"] = ""
				}
				return err
			}
			b, err := os.ReadFile(path)
			out[name] = blob(b)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return out
}
