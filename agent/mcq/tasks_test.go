package mcq

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/wire"
)

const oneChoice = `{"q": {"type": "multiple_choice", "choices": [{"text": "a", "valid": true, "feedback": "hello"}, {"text": "b", "feedback": ""}]}}`

// feedbackOf runs oneChoice and returns what the student reads.
func feedbackOf(t *testing.T, e *Executor, inputs string) string {
	t.Helper()
	res := e.Run(t.Context(), newJob(t, oneChoice, inputs), nil)
	w, _ := topLevel(res.Problems)
	if w.left != 2 {
		t.Fatalf("%s %q: problems %s", res.Status, res.Text, show(res.Problems))
	}
	_, entry := w.pair()
	w, _ = entry.items()
	_, text := w.pair()
	s, _ := text.text()
	return string(s)
}

const inFrench = `{"q": "0", "@lang": "fr"}`

// The first folder that exists is the only one looked into.
func TestCatalogueOrder(t *testing.T) {
	e, dir := newExecutor(t, RulesHead)
	for _, folder := range []string{"$common/student", "$common", "task/student", "task"} {
		writeMO(t, dir, "course/"+folder+"/$i18n/fr.mo", "hello", folder)
		if got := feedbackOf(t, e, inFrench); got != folder {
			t.Errorf("the text is from %q, want %q", got, folder)
		}
	}
	if err := os.Remove(filepath.Join(dir, "course/task/$i18n/fr.mo")); err != nil {
		t.Fatal(err)
	}
	if got := feedbackOf(t, e, inFrench); got != "hello" {
		t.Errorf("without its file, the first folder gives %q", got)
	}
}

func TestCatalogueReloaded(t *testing.T) {
	e, dir := newExecutor(t, RulesHead)
	for _, want := range []string{"salut", "coucou", "bonjour"} { // the first two have one length
		writeMO(t, dir, "new.mo", "hello", want)
		mkdir(t, dir, "course/task/$i18n")
		if err := os.Rename(filepath.Join(dir, "new.mo"), filepath.Join(dir, "course/task/$i18n/fr.mo")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := feedbackOf(t, e, inFrench); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
	checkCost(t, e.tasks)
}

// A machine that is out of file descriptors loses no catalogue for good.
func TestCatalogueAfterALackOfDescriptors(t *testing.T) {
	e, dir := newExecutor(t, RulesHead)
	writeMO(t, dir, "course/task/$i18n/fr.mo", "hello", "salut")
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := unix.Rlimit{Max: limit.Max}
	func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
				t.Fatal(err)
			}
		}()
		if got := feedbackOf(t, e, inFrench); got != "hello" {
			t.Errorf("without descriptors: %q", got)
		}
	}()
	if got := feedbackOf(t, e, inFrench); got != "salut" {
		t.Errorf("afterwards: %q", got)
	}
}

// Each sign of another content counts: tools put files in place with the times,
// the size, or both of those before them.
func TestIdentity(t *testing.T) {
	var st unix.Stat_t
	for name, field := range map[string]func(){
		"device": func() { st.Dev++ }, "inode": func() { st.Ino++ }, "size": func() { st.Size++ },
		"mtime": func() { st.Mtim.Nsec++ }, "ctime": func() { st.Ctim.Nsec++ },
	} {
		was := identityOf(&st)
		if field(); identityOf(&st) == was {
			t.Errorf("another %s is the same file", name)
		}
	}
}

// Languages are a job's own: jobs at the same time do not see each other's.
func TestLanguagesAtTheSameTime(t *testing.T) {
	e, dir := newExecutor(t, RulesHead)
	var wg sync.WaitGroup
	for i, lang := range []string{"fr", "de", "xx", "yy"} {
		writeMO(t, dir, "course/task/$i18n/"+lang+".mo", "hello", lang)
		wg.Go(func() {
			for range 200 {
				if got := feedbackOf(t, e, `{"q": "0", "@lang": "`+lang+`"}`); got != lang {
					t.Errorf("job %d in %s reads %q", i, lang, got)
					return
				}
			}
		})
	}
	wg.Wait()
}

// Catalogues are course authors' files: whatever they are, the job is graded.
func TestCatalogueUnusable(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.mo")
	writeMO(t, filepath.Dir(secret), "secret.mo", "hello", "secret")
	relative := func(link string) string {
		path, err := filepath.Rel(filepath.Dir(link), secret)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, place := range map[string]func(path string) error{
		"malformed":      func(p string) error { return os.WriteFile(p, []byte("\xde\x12\x04\x95\x00"), 0o644) },
		"a folder":       func(p string) error { return os.Mkdir(p, 0o755) },
		"a FIFO":         func(p string) error { return unix.Mkfifo(p, 0o644) },
		"a dead link":    func(p string) error { return os.Symlink("nowhere", p) },
		"a link outside": func(p string) error { return os.Symlink(secret, p) },
		"a way outside":  func(p string) error { return os.Symlink(relative(p), p) },
		"too large": func(p string) error {
			return os.WriteFile(p, append(moFile(binary.LittleEndian, "hello", "large"), make([]byte, maxCatalogue)...), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, dir := newExecutor(t, RulesHead)
			mkdir(t, dir, "course/task/$i18n")
			if err := place(filepath.Join(dir, "course/task/$i18n/fr.mo")); err != nil {
				t.Fatal(err)
			}
			if got := feedbackOf(t, e, inFrench); got != "hello" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// The language is a student's choice and becomes a path.
func TestLangIsNoPath(t *testing.T) {
	e, dir := newExecutor(t, RulesHead)
	writeMO(t, dir, "course/task/$i18n/sub/fr.mo", "hello", "sub")
	writeMO(t, dir, "course/task/fr.mo", "hello", "above")
	for _, lang := range []string{`"sub/fr"`, `"../fr"`, `"fr\u0000"`, `""`, `7`, `null`, `["fr"]`} {
		if got := feedbackOf(t, e, `{"q": "0", "@lang": `+lang+`}`); got != "hello" {
			t.Errorf("@lang %s reads %q", lang, got)
		}
	}
}

func TestTaskPaths(t *testing.T) {
	e, dir := newExecutor(t, RulesHead)
	mkdir(t, dir, "course/deep/task")
	if err := os.WriteFile(filepath.Join(dir, "course/file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ course, task, want string }{
		{"course", "task", "success"},
		{"course/deep", "task", "success"}, // ids are prefixes of a path
		{"course", "none", "unavailable"},
		{"none", "task", "unavailable"},
		{"course", "file", "unavailable"},
		{"course", "../course/task", "not allowed"},
		{"/" + dir + "/course", "task", "not allowed"},
		{"", "course/task", "not allowed"},
		{"course", " task", "not allowed"},
		{"course", "task\x00", "not allowed"},
		{"course", strings.Repeat("x", 300), "unavailable"},
	} {
		job := newJob(t, oneChoice, `{"q": "0", "@state": "kept"}`)
		job.CourseID, job.TaskID = wire.Nullable{Value: c.course}, wire.Nullable{Value: c.task}
		res := e.Run(t.Context(), job, nil)
		if got := res.Status + " " + res.Text; !strings.Contains(got, c.want) {
			t.Errorf("%q, %q: %s, want %s", c.course, c.task, got, c.want)
		}
		if res.Status == "crash" && res.State != "kept" {
			t.Errorf("%q, %q: the state became %q", c.course, c.task, res.State)
		}
	}
}

func TestCatalogueMemoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	mkdir(t, dir, "course/task")
	e, err := New(Config{Tasks: dir, CatalogueMemory: 2000, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		for i := range 20 {
			lang := fmt.Sprintf("l%d", i)
			if round == 0 {
				writeMO(t, dir, "course/task/$i18n/"+lang+".mo", "hello", lang)
			}
			if got := feedbackOf(t, e, `{"q": "0", "@lang": "`+lang+`"}`); got != lang {
				t.Errorf("%s reads %q", lang, got)
			}
		}
	}
	if sum := checkCost(t, e.tasks); sum > 2000 || sum == 0 {
		t.Errorf("%d bytes are kept", sum)
	}
}

// checkCost compares what is kept with what is accounted for, and returns it.
func checkCost(t *testing.T, kept *tasks) int {
	t.Helper()
	sum := 0
	for path, k := range kept.kept {
		sum += k.cost(path)
	}
	if sum != kept.cost {
		t.Errorf("%d bytes are kept and %d accounted for", sum, kept.cost)
	}
	return sum
}
