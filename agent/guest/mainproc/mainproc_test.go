package mainproc

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

// newRoot makes the directories of a container.
func newRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, d := range []string{filepath.Dir(root), root} { // for the worker, where the test is root
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"etc", "tmp", "task", "sockets"} {
		if err := os.Mkdir(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, root+"/etc/hosts", "127.0.0.1 localhost\n", 0o644)
	write(t, root+"/etc/resolv.conf", "", 0o644)
	return root
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
}

// grade runs the main process in root as the user of the test.
func grade(t *testing.T, root string, frames ...[]byte) (code int, result *pyjson.Object) {
	t.Helper()
	var in, out bytes.Buffer
	for _, f := range frames {
		if err := frame.NewWriter(&in).Write(f); err != nil {
			t.Fatal(err)
		}
	}
	code = Main(Config{Stdin: &in, Stdout: &out, Root: root, Worker: os.Geteuid(), Superuser: os.Geteuid(), Log: slog.New(slog.DiscardHandler)})
	r := frame.NewReader(&out, 1<<28)
	b, err := r.Next()
	if errors.Is(err, io.EOF) {
		return code, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	v, err := pyjson.FromMsgpack(slices.Clone(b))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("something follows the result: %v", err)
	}
	got, _ := v.(*pyjson.Object).Get("result")
	return code, got.(*pyjson.Object)
}

func startFrame(t *testing.T, command string) []byte {
	t.Helper()
	b, err := grading.Append(nil, &grading.Start{Input: []byte{0x80}, Debug: 1, RunCmd: &command, SharedKernel: true})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func text(o *pyjson.Object, key string) string {
	v, _ := o.Get(key)
	s, _ := v.(string)
	return s
}

func TestScriptIsGraded(t *testing.T) {
	root := newRoot(t)
	code, r := grade(t, root, startFrame(t, `sh -c 'echo "{\"result\": \"success\"}" > ../.__output/__feedback.json; echo out; echo err >&2; pwd; exit 9'`))
	if code != 0 || text(r, "result") != "success" {
		t.Fatalf("exit %d, result %v", code, r)
	}
	if out := text(r, "stdout"); out != "out\n"+root+"/task\n" || text(r, "stderr") != "err\n" {
		t.Errorf("stdout %q, stderr %q", out, text(r, "stderr"))
	}
	if text(r, "archive") == "" {
		t.Error("no archive")
	}
}

// An image need not have any directory of the job's.
func TestDirectoriesAreMade(t *testing.T) {
	root := newRoot(t)
	if err := errors.Join(os.Remove(root+"/tmp"), os.Remove(root+"/task")); err != nil {
		t.Fatal(err)
	}
	code, r := grade(t, root, startFrame(t, `sh -c 'echo "{\"result\": \"success\"}" > ../.__output/__feedback.json; echo out > ../tmp/x'`))
	if code != 0 || text(r, "result") != "success" {
		t.Errorf("exit %d, result %v", code, r)
	}
}

func TestOutputIsCut(t *testing.T) {
	_, r := grade(t, newRoot(t), startFrame(t, `sh -c 'yes | head -c 3000000; echo {\"a\": 1} > ../.__output/__feedback.json'`))
	if out := text(r, "stdout"); len(out) != maxOutput+len(truncated) || !strings.HasSuffix(out, truncated) {
		t.Errorf("%d bytes", len(out))
	}
}

func TestFramesThatAreNone(t *testing.T) {
	for name, f := range map[string][]byte{
		"not msgpack": {0xc1},
		"not a map":   {0x91, 0x01},
		"no type":     {0x81, 0xa1, 'x', 0x01},
		"empty":       {},
	} {
		if code, r := grade(t, newRoot(t), f, startFrame(t, "true")); code != 0 || text(r, "result") != "crash" {
			t.Errorf("%s: exit %d, result %v", name, code, r)
		}
	}
	if code, r := grade(t, newRoot(t)); code == 0 || r != nil {
		t.Errorf("no frame: exit %d, result %v", code, r)
	}
	dummy, err := grading.Append(nil, &grading.RunStudentRetval{SocketID: "nobody"})
	if err != nil {
		t.Fatal(err)
	}
	if code, r := grade(t, newRoot(t), dummy, startFrame(t, "true"), dummy); code != 0 || text(r, "text") != textNoFeedback {
		t.Errorf("frames for nobody: exit %d, result %v", code, r)
	}
}

// A script leaves links to files of others: they are not touched.
func TestLinksAreNotFollowed(t *testing.T) {
	root := newRoot(t)
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "secret", 0o600)
	for _, link := range []string{"/task/link", "/tmp/link", "/archive/link", "/task/.ssh"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(root+link), 0o755), os.Symlink(secret, root+link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", root+"/task/dangling"); err != nil {
		t.Fatal(err)
	}
	write(t, root+"/task/deep/er/file", "", 0o400)
	_, r := grade(t, root, startFrame(t, `sh -c 'echo {\"result\": \"failed\"} > ../.__output/__feedback.json; ln -s nowhere /proc/self/cwd/later'`))
	if text(r, "result") != "failed" {
		t.Fatalf("result %v", r)
	}
	st, err := os.Stat(secret)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("secret has mode %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(root + "/task/deep/er/file"); err != nil || st.Mode().Perm() != 0o777 {
		t.Errorf("file has mode %v, %v", st.Mode(), err)
	}
	if _, err := os.Lstat(root + "/task/.ssh"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf(".ssh: %v", err)
	}
}

// A feedback file that is a link or a device is not read.
func TestFeedbackThatIsNoFile(t *testing.T) {
	for _, command := range []string{"ln -sf /etc/hostname", "mkfifo"} {
		_, r := grade(t, newRoot(t), startFrame(t, `sh -c 'cd ../.__output; rm -f __feedback.json; `+command+` __feedback.json'`))
		if text(r, "result") != "crash" || !strings.Contains(text(r, "text"), "Exception") {
			t.Errorf("%s: result %v", command, r)
		}
	}
}

func TestBadIDsAreTold(t *testing.T) {
	_, r := grade(t, newRoot(t), startFrame(t, `sh -c 'echo {\"problems\": {\"a b\": \"x\", \"ok\": \"y\"}} > ../.__output/__feedback.json'`))
	if got := text(r, "stderr"); !strings.Contains(got, `["a b"]`) {
		t.Errorf("stderr %q", got)
	}
}

func TestExtraRunTypes(t *testing.T) {
	for line, want := range map[string][]string{
		`run_types["rb"] = ["/usr/bin/ruby", "-w"]`: {"rb", "/usr/bin/ruby", "-w"},
		`run_types['js'] = '/usr/bin/node'`:         {"js", "/usr/bin/node"},
		`run_types = {}`:                            {""},
		`# run_types["rb"] = ["x"]`:                 {""},
		`    run_types["rb"] = ["x"]`:               {""},
		`run_types["rb"] = [1]`:                     {"rb"},
		`]=[`:                                       {""},
		`x[]=`:                                      {""},
	} {
		ext, command := assignment(line)
		got := append([]string{ext}, command...)
		if ext != want[0] && len(command) > 0 || len(command) != len(want)-1 {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	root := newRoot(t)
	write(t, root+RunTypesFile, "# ours\nrb /usr/bin/ruby -w\nsh /never\n", 0o644)
	j := &job{root: root}
	types := j.runTypes()
	if last := types[len(types)-1]; len(types) != 4 || last.ext != "rb" || !slices.Equal(last.command, []string{"/usr/bin/ruby", "-w"}) {
		t.Errorf("types %v", types)
	}
}
