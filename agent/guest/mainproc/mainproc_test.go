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
	"syscall"
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
	code, r := grade(t, root, startFrame(t, `sh -c 'echo "{\"result\": \"success\"}" > ../.__output/__feedback.json; echo out; echo err > /dev/stderr; pwd; exit 9'`))
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

// An image may keep the files of its network behind links: the worker gets the files.
func TestSystemFilesBehindLinks(t *testing.T) {
	root := newRoot(t)
	j := &job{root: root, worker: owner{os.Getuid(), os.Getgid()}, rootUID: os.Getuid(), log: slog.New(slog.DiscardHandler)}
	if os.Getuid() == 0 { // others may only give to themselves
		j.worker = owner{4242, 4242}
	}
	target := root + "/run/hosts"
	write(t, target, "", 0o600)
	if err := errors.Join(os.Remove(root+"/etc/hosts"), os.Symlink(target, root+"/etc/hosts")); err != nil {
		t.Fatal(err)
	}
	if complaint, err := j.systemFiles(); complaint != "" || err != nil {
		t.Fatalf("%q, %v", complaint, err)
	}
	st, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	if gid := int(st.Sys().(*syscall.Stat_t).Gid); gid != j.worker.gid || st.Mode().Perm() != 0o664 {
		t.Errorf("group %d, mode %v", gid, st.Mode())
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if _, err := j.systemFiles(); err == nil {
		t.Error("a file that is not there was opened")
	}
}

// An image may have links in the places of a job's directories and files. What
// its files were linked to is not written to.
func TestDirectoriesBehindLinks(t *testing.T) {
	root := newRoot(t)
	for _, d := range []string{"tmp", "archive", ".__output", ".__input"} {
		if err := errors.Join(os.RemoveAll(root+"/"+d), os.MkdirAll(root+"/var/"+d, 0o755), os.Symlink("var/"+d, root+"/"+d)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"/var/.__input/__inputdata.json", "/var/.__output/__feedback.json"} {
		write(t, root+"/var/old", "old", 0o600)
		if err := os.Symlink(root+"/var/old", root+f); err != nil {
			t.Fatal(err)
		}
	}
	_, r := grade(t, root, startFrame(t, `sh -c 'echo "{\"result\": \"success\"}" > ../.__output/__feedback.json; cat ../.__input/__inputdata.json > ../archive/x'`))
	if text(r, "result") != "success" || text(r, "archive") == "" {
		t.Fatalf("result %v", r)
	}
	for path, want := range map[string]fs.FileMode{"/var/tmp": openMode, "/var/archive/x": 0, "/var/.__input/__inputdata.json": 0} {
		st, err := os.Lstat(root + path)
		if err != nil || want != 0 && st.Mode().Perm() != want || st.Size() == 0 {
			t.Errorf("%s: %v, %v", path, st, err)
		}
	}
	if b, err := os.ReadFile(root + "/var/old"); string(b) != "old" || err != nil {
		t.Errorf("behind a file's link is %q, %v", b, err)
	}
}

// No script can have a directory elsewhere packed or opened to all by a link.
func TestDirectoriesThatBecomeLinks(t *testing.T) {
	root := newRoot(t)
	secret := t.TempDir()
	if err := errors.Join(os.Chmod(root, 0o777), os.Chmod(secret, 0o700)); err != nil {
		t.Fatal(err)
	}
	move := "mv ../DIR ../old; ln -s " + secret + " ../DIR"
	feedback := `echo "{\"result\": \"success\"}" > ../.__output/__feedback.json; `
	for _, dir := range []string{"archive", ".__output", "task"} {
		_, r := grade(t, root, startFrame(t, "sh -c '"+feedback+strings.ReplaceAll(move, "DIR", dir)+"'"))
		if dir != "task" && text(r, "result") != "crash" {
			t.Errorf("%s: %v", dir, r)
		}
		if m := mode(t, secret); m != 0o700 {
			t.Errorf("%s: mode %o", dir, m)
		}
		if err := errors.Join(os.RemoveAll(root+"/old"), os.Remove(root+"/"+dir)); err != nil {
			t.Fatal(err)
		}
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
	write(t, root+runTypesFile, "# ours\nrb /usr/bin/ruby -w\nsh /never\n", 0o644)
	j := &job{root: root}
	types := j.runTypes()
	if last := types[len(types)-1]; len(types) != 4 || last.ext != "rb" || !slices.Equal(last.command, []string{"/usr/bin/ruby", "-w"}) {
		t.Errorf("types %v", types)
	}
}
